/* What the curve editor knows: the entries of the text, what is selected, what is in sight. Says when it changed, and writes the text once a
 * gesture is done. No DOM. */

import { clamp } from "./curve_keys.js";
import { curvesToText, parseCurves } from "./curve_text.js";
import { tracksOf, withDirection, withKeyframes, withoutTrack } from "./curve_tracks.js";
import { axisSeconds, fitValues, panTime, zoomTime } from "./curve_view.js";

const FPS = 25; // until a run says it

export class CurveStore {
  /** `write(text)` puts the text into the widget, as one step of undo; `changed()` asks to be drawn. */
  constructor({ write, changed }) {
    Object.assign(this, { write, changed, text: undefined, entries: [], problem: "", linked: false, active: 0, selected: -1, snap: true });
    Object.assign(this, { fps: FPS, duration: 0, waveform: [], names: undefined, toldNames: undefined, window: undefined, reach: undefined, frozen: undefined });
  }

  get tracks() {
    return tracksOf(this.entries);
  }

  get track() {
    return this.tracks[this.active];
  }

  get keys() {
    return this.track?.keyframes ?? [];
  }

  /** The keyframe that is selected, or undefined. */
  get key() {
    return this.keys[this.selected];
  }

  /** Frames per second to which times snap; 0 where they do not. */
  get grid() {
    return this.snap ? this.fps : 0;
  }

  /** Takes the widget's text, whoever changed it; ends a gesture. */
  load(text) {
    if (text === this.text) return;
    this.text = text;
    Object.assign(this, parseCurves(text), { frozen: undefined });
    this.select(this.active, this.selected);
  }

  /** Whether the text comes over a link, not from the widget. */
  link(linked) {
    if (linked === this.linked) return;
    this.linked = linked;
    this.changed();
  }

  /** Takes what the last run told: its length, rate, waveform and names, each only where it is what it should be. */
  learn(told) {
    const list = (value) => (Array.isArray(value) ? value : undefined);
    this.duration = Number.isFinite(told?.duration) ? Math.max(0, told.duration) : 0;
    this.fps = told?.fps >= 1 && told.fps <= 1000 ? told.fps : FPS;
    this.waveform = (list(told?.waveform) ?? []).map((peak) => clamp(Number(peak) || 0, 0, 1));
    this.toldNames = list(told?.names)?.map(String);
    this.names = this.toldNames ?? this.names;
    this.changed();
  }

  /** Takes the names of the directions before a run: it knows better. */
  call(names) {
    if (this.toldNames) return;
    this.names = names;
    this.changed();
  }

  /** Selects a keyframe of a track (-1: none); what does not exist is put right. */
  select(track, index = -1) {
    this.active = clamp(track, 0, Math.max(0, this.tracks.length - 1));
    this.selected = index < this.keys.length ? index : -1;
    this.changed();
  }

  /** Shows other keyframes on the active track; they are written by `commit`. */
  preview(keyframes, selected = this.selected) {
    this.entries = withKeyframes(this.entries, this.active, keyframes);
    this.select(this.active, selected);
  }

  /** Writes the text, if it says something else than before. */
  commit() {
    this.frozen = undefined;
    const text = curvesToText(this.entries);
    const same = JSON.stringify(parseCurves(this.text).entries) === JSON.stringify(parseCurves(text).entries);
    if (!same && !this.closed) {
      this.text = text;
      this.write(text);
    }
    this.changed();
  }

  /** A change that is a gesture of its own. */
  change(keyframes, selected = this.selected) {
    this.preview(keyframes, selected);
    this.commit();
  }

  addDirection(direction) {
    this.entries = withDirection(this.entries, direction);
    this.select(this.tracks.length - 1, 0);
    this.commit();
  }

  removeTrack(track) {
    this.entries = withoutTrack(this.entries, track);
    this.select(this.active > track ? this.active - 1 : this.active);
    this.commit();
  }

  /** The length of the time axis in seconds. */
  get seconds() {
    return axisSeconds(this.tracks, this.duration);
  }

  /** Keeps the axes where they are while the hand drags. */
  freeze() {
    this.frozen = { seconds: this.seconds, values: this.values };
  }

  get values() {
    return this.reach ? [-this.reach, this.reach] : fitValues(this.tracks);
  }

  /** What is in sight, on a plot with that box. A keyframe that is dragged beyond the axis widens it. */
  view(box) {
    const seconds = this.frozen?.seconds ?? this.seconds;
    const [start, end] = this.window ? panTime(this.window, Math.min(seconds, this.window[1] - this.window[0]), seconds) : [0, seconds];
    const [low, high] = this.frozen?.values ?? this.values;
    const dragged = this.frozen && this.key ? this.key.value : 0;
    return { ...box, start, end, low: Math.min(low, dragged), high: Math.max(high, dragged) };
  }

  /** Where the user is in it, which is not part of the text. */
  get place() {
    const { active, selected, snap, window, reach } = this;
    return { active, selected, snap, window, reach };
  }

  /** All that is drawn of it, on a plot with that box. */
  seen(box) {
    const { tracks, active, selected, fps, duration, waveform, names } = this;
    return { view: this.view(box), tracks, active, selected, fps, duration, waveform, names, message: this.message };
  }

  /** Whether nothing can be changed here: the text cannot be read, or is not the widget's. */
  get closed() {
    return this.linked || this.problem !== "";
  }

  /** What stands where there is nothing to draw. */
  get message() {
    if (this.linked) return "The curves come from the input.";
    if (this.problem) return `The text of the curves cannot be read: ${this.problem}. Fix it in the text field above. It is not changed.`;
    return this.tracks.length ? "" : "Choose a direction to move. Then double-click here to place keyframes.";
  }

  /** The view that the pointer is measured in: not widened. */
  hand(box) {
    const [low, high] = this.frozen?.values ?? this.values;
    return { ...this.view(box), low, high };
  }

  /** Zooms the time axis by a factor (below 1: closer) around a time. */
  zoom(factor, time) {
    const { start, end } = this.view({});
    const [from, to] = zoomTime([start, end], time ?? (start + end) / 2, factor, this.seconds);
    this.window = to - from >= this.seconds - 1e-6 ? undefined : [from, to];
    this.changed();
  }

  pan(start) {
    if (!this.window) return;
    this.window = panTime([start], this.window[1] - this.window[0], this.seconds);
    this.changed();
  }

  /** The whole clip and every value in sight. */
  fit() {
    Object.assign(this, { window: undefined, reach: undefined });
    this.changed();
  }
}
