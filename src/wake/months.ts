// Calendar months in a machine's time zone.

/** `2026-11` in that zone; a zone that this Node does not know counts as UTC. */
export function monthOf(wall: number, timeZone: string): string {
  // The first use of Intl takes 9 MB that stay.
  if (timeZone === 'UTC') return new Date(wall).toISOString().slice(0, 7)
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = formatOf(timeZone)
    formats.set(timeZone, format)
  }
  const parts = format.formatToParts(wall)
  const part = (type: 'year' | 'month') => parts.find((each) => each.type === type)?.value ?? ''
  return `${part('year').padStart(4, '0')}-${part('month')}`
}

// Making one takes a millisecond and 50 kB; there are as many as zones in a table.
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const options = { year: 'numeric', month: '2-digit', calendar: 'iso8601' } as const
  try {
    return new Intl.DateTimeFormat('en-u-nu-latn', { ...options, timeZone })
  } catch {
    return new Intl.DateTimeFormat('en-u-nu-latn', { ...options, timeZone: 'UTC' })
  }
}
