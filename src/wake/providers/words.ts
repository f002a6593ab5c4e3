// What clouds and programs say, made fit for a log line: one line, bounded, without what must stay secret.

/** Longest text that is looked at; what is kept is shorter (`CloudError.detail`). */
const maxLength = 4096
/** Anything shorter would blank out ordinary words. */
const minSecretLength = 8

/**
 * One line of foreign text. Control characters, also those that turn text around, become spaces: such text ends in logs,
 * terminals and messages to people.
 *
 * @param secrets values that never leave; they become `***`.
 */
export function foreignWords(text: string, secrets: Iterable<string> = []): string {
  let words = text.slice(0, maxLength)
  for (const secret of secrets) {
    if (secret.length >= minSecretLength) words = words.replaceAll(secret, '***')
  }
  return words.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
}
