// What a support score means to a reader: one word and one colour.

export const LEVELS = {
  supported: "Supported",
  partly: "Partly supported",
  unchecked: "Not checked",
};

const ORIGINS = {
  recited: "cited anew",
  rewritten: "written anew from this passage",
  quoted: "the passage's own words",
};

/** How a sentence fared, in a few words: "Supported 93%, cited anew". */
export function verdict({ support, origin }) {
  const score = support === null ? "" : ` ${Math.round(support * 100)}%`;
  const how = ORIGINS[origin] ? `, ${ORIGINS[origin]}` : "";
  return LEVELS[level(support)] + score + how;
}

export function level(support) {
  if (support === null) return "unchecked";
  return support >= 0.8 ? "supported" : "partly";
}
