/* What Speech2Emotion told of its last run, checked, and the areas of its drawing over time. No DOM. */

export const EMOTION_COLORS = {
  angry: "#e5554f",
  disgust: "#6fa84b",
  fear: "#9b72d6",
  happy: "#eab13c",
  neutral: "#8e959e",
  sad: "#4f8fe0",
  surprise: "#3fb8af",
};
const OTHER_COLOR = "#b08968";

/** The color of an emotion. */
export function colorOf(name) {
  return EMOTION_COLORS[name] ?? OTHER_COLOR;
}

function share(value) {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}

/** {emotions: [{name, share, most}], times, rows} of a message {names, probabilities, times?, rows?}; undefined where there is none. */
export function readEmotions(told) {
  if (!Array.isArray(told?.names) || !Array.isArray(told.probabilities)) return undefined;
  const shares = told.names.map((_, i) => share(told.probabilities[i]));
  const most = shares.indexOf(Math.max(...shares));
  const emotions = told.names.map((name, i) => ({ name: String(name), share: shares[i], most: i === most && shares[i] > 0 }));
  const rows = Array.isArray(told.rows) && told.rows.length > 1 ? told.rows.map((row) => emotions.map((_, i) => share(row?.[i]))) : [];
  const times = rows.map((_, i) => (Number.isFinite(told.times?.[i]) ? told.times[i] : i));
  return { emotions, times, rows };
}

/** The area of each emotion over time, stacked from below: SVG points on a field of `width` x `height`. */
export function stackedAreas({ emotions, times, rows }, width, height) {
  const [first, last] = [times[0], times.at(-1)];
  const x = (i) => round(((times[i] - first) / (last - first || 1)) * width);
  const edges = rows.map((row) => {
    const total = row.reduce((sum, value) => sum + value, 0) || 1;
    let sum = 0;
    return [0, ...row.map((value) => (sum += value / total))].map((level) => round(height * (1 - level)));
  });
  return emotions.map((_, k) => {
    const above = edges.map((edge, i) => `${x(i)},${edge[k + 1]}`);
    const below = edges.map((edge, i) => `${x(i)},${edge[k]}`).reverse();
    return [...above, ...below].join(" ");
  });
}

function round(value) {
  return Math.round(value * 100) / 100;
}
