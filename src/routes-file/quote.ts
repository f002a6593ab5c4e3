// Text from the file inside a message.

/** In quotes, on one line, at most 60 characters: a message is read in a terminal and in a log. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text)
}
