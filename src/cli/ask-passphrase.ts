// Asks for a passphrase on the terminal, without showing it.

import { GatehouseError } from '../errors.ts'

/** The little of a terminal that is needed: standard input is one, when it is no pipe. */
export interface Terminal {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
  setEncoding(encoding: 'utf8'): unknown
  on(event: 'data', listener: (text: string) => void): unknown
  off(event: 'data', listener: (text: string) => void): unknown
  resume(): unknown
  pause(): unknown
}

/**
 * @returns `null`: there is nobody to ask.
 * @throws GatehouseError `interrupted` at Ctrl-C or Ctrl-D.
 */
export function askPassphrase(
  question: string,
  terminal: Terminal,
  write: (text: string) => void,
): Promise<string | null> {
  if (terminal.isTTY !== true || terminal.setRawMode === undefined) return Promise.resolve(null)
  return new Promise((resolve, reject) => {
    let typed = ''
    const finish = (run: () => void) => {
      terminal.off('data', listen)
      terminal.setRawMode?.(false)
      terminal.pause()
      write('\n')
      run()
    }
    const listen = (text: string) => {
      for (const character of text) {
        if (character === '\r' || character === '\n') return finish(() => resolve(typed))
        if (character === '\u0003' || character === '\u0004') {
          return finish(() => reject(new GatehouseError('interrupted', 'interrupted')))
        }
        // Backspace, as DEL or BS; a character may be two units long.
        if (character === '\u007f' || character === '\b') typed = [...typed].slice(0, -1).join('')
        else if (character >= ' ') typed += character
      }
    }
    // Before the question: whoever is fast would see his first letters.
    terminal.setRawMode?.(true)
    write(question)
    terminal.setEncoding('utf8')
    terminal.on('data', listen)
    terminal.resume()
  })
}
