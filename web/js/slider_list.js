/** All directions of the LambdaEdit panel in groups that fold, and the range of seconds. Holds no state of the edit. */
import { el } from "./dom.js";
import { groupDirections, matches, rangeLabel, sliderName } from "./panel_state.js";
import { RangeControls } from "./range_controls.js";
import { SliderRow, foldHeading } from "./slider_row.js";

const TITLES = { head: "Head", jaw: "Jaw", mouth: "Mouth", eyes: "Eyes", brows: "Brows", other: "Other", clip: "Time range and rest" };

/** `act`: what rows and range controls may do (see there). */
export class SliderList {
  constructor(act) {
    this.act = { ...act, toggle: (index) => this.toggle(index) };
    this.range = new RangeControls(this.act);
    this.hint = el("div", { class: "fp-note", role: "status" });
    this.element = el("div", { class: "fp-list", on: { scroll: () => this.scrolled() } });
    this.sections = [];
  }

  /** Makes the rows for these directions. `view` holds what is folded and opened, and how far it was scrolled. */
  rebuild(directions, view) {
    this.view = view;
    this.rows = directions.map((direction) => new SliderRow(direction, this.act));
    const groups = groupDirections(directions);
    const only = groups.length === 1; // nothing is known about them
    this.clip = this.section("clip", TITLES.clip, [], this.range.element);
    const rowsOf = (members) => members.map(({ index }) => this.rows.find((row) => row.direction.index === index));
    const made = groups.map(({ group, directions: members }) => this.section(group, only ? "Directions" : TITLES[group], rowsOf(members)));
    this.sections = [this.clip, ...made];
    this.element.replaceChildren(...this.sections.map(({ element }) => element), this.hint);
    this.search(view.search);
    this.element.scrollTop = view.scroll;
  }

  section(group, title, rows, ...more) {
    const { heading, count } = foldHeading(title, () => this.fold(group));
    const element = el("section", { class: "fp-group", "data-group": group }, heading, ...rows.map((row) => row.element), ...more);
    return { group, element, heading, count, rows };
  }

  fold(group) {
    if (!this.view.folded.delete(group)) this.view.folded.add(group);
    this.search(this.view.search);
  }

  toggle(index) {
    if (!this.view.open.delete(index)) this.view.open.add(index);
    if (this.shown) this.show(this.shown);
  }

  scrolled() {
    if (this.view && this.element.isConnected && this.element.clientHeight) this.view.scroll = this.element.scrollTop;
  }

  /** Shows only the rows that match; while something is searched nothing is folded. */
  search(text) {
    const searching = text.trim() !== "";
    for (const row of this.rows) row.element.hidden = searching && !matches(row.direction, text.trim());
    for (const { group, element, heading, rows } of this.sections) {
      const folded = !searching && this.view.folded.has(group);
      element.classList.toggle("fp-folded", folded);
      element.hidden = searching && rows.every((row) => row.element.hidden);
      heading.setAttribute("aria-expanded", String(!folded));
    }
    this.element.classList.toggle("fp-nothing", searching && this.sections.every(({ element }) => element.hidden));
  }

  /** Shows what the widgets hold. */
  show(shown) {
    this.shown = shown;
    const { linked, problem, others } = shown;
    const changed = new Set(this.rows.filter((row) => this.showRow(row, shown)));
    for (const { rows, count } of this.sections) {
      const number = rows.filter((row) => changed.has(row)).length;
      count.textContent = number ? String(number) : "";
    }
    const changedRange = this.range.show({ range: shown.range, outside: shown.outside, linked });
    this.clip.count.textContent = rangeLabel(shown.range, shown.outside);
    this.clip.count.classList.toggle("fp-plain", !changedRange);
    const more = others ? `${others} more ${others === 1 ? "edit" : "edits"} in the text.` : "";
    this.hint.textContent = [problem, more].filter(Boolean).join(" ");
    this.hint.classList.toggle("fp-error", Boolean(problem));
  }

  showRow(row, { offset, fields, linked, problem }) {
    const { index } = row.direction;
    const open = this.view.open.has(index);
    return row.show({ offset: offset(index), fields: fields(index), linked: linked.has(sliderName(index)), open, textReadable: !problem });
  }
}
