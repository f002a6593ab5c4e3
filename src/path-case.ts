// Paths as backends read them that do not tell upper from lower case. Hot path.

/**
 * A canonical path as such a backend reads it (Express by default, IIS, file systems of Windows and macOS), which do not
 * tell the spellings of `é` apart either (Unicode §3.11). For comparison alone.
 */
export function foldPath(path: string): string {
  for (let i = 0; i < path.length; i++) {
    if (path.charCodeAt(i) > 0x7e) return foldUnicode(path)
  }
  return path.toLowerCase()
}

function foldUnicode(path: string): string {
  // Canonical paths are UTF-8 bytes as characters (`proxy/target.ts`).
  const text = Buffer.from(path, 'latin1').toString('utf8')
  // Up and down again: the Kelvin sign is no other letter than k.
  return text.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}
