// What a browser says it is, in two words a person recognises. For lists and notices; it proves nothing.

/**
 * `Firefox on Linux`, `Safari on iPhone`; a program's first word (`curl`); else `Unknown device`. Order matters:
 * every browser claims to be the older ones too.
 *
 * @param userAgent `User-Agent` (RFC 9110 §10.1.5), untrusted; the result has at most 60 printable characters.
 */
export function describeDevice(userAgent: string): string {
  const browser = browsers.find(([pattern]) => pattern.test(userAgent))?.[1] ?? null
  const system = systems.find(([pattern]) => pattern.test(userAgent))?.[1] ?? null
  if (browser !== null && system !== null) return `${browser} on ${system}`
  if (browser !== null || system !== null) return browser ?? `Browser on ${system}`
  const program = /^[A-Za-z][\w.-]{0,39}/.exec(userAgent)?.[0] ?? null
  return program === null || program === 'Mozilla' ? 'Unknown device' : program
}

const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bDuckDuckGo\//, 'DuckDuckGo'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
]

const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'Mac'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
]
