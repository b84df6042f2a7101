// What a support score means to a reader: one word and one colour.

export const LEVELS = {
  supported: "Supported",
  partly: "Partly supported",
  unchecked: "Not checked",
};

export function level(support) {
  if (support === null) return "unchecked";
  return support >= 0.8 ? "supported" : "partly";
}
