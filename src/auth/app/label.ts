// Names that people give to what they have.

/** Longest name, characters. */
export const maxLabelLength = 60

/** @returns `null`: nothing is left of it. White space runs become one space; control characters do not pass. */
export function readLabel(typed: string): string | null {
  const label = typed
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, maxLabelLength)
    .trim()
  return label === '' ? null : label
}
