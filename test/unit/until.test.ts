// Moments as people write them, in the time zone of a machine.

import t from 'tap'
import { parseUntil } from '../../src/cli/until.ts'

const berlin = 'Europe/Berlin'

function until(text: string, now: string, timeZone = berlin): string | null {
  const at = parseUntil(text, Date.parse(now), timeZone)
  return at === null ? null : new Date(at).toISOString().slice(0, 16)
}

t.test('a time of day is the next one there', async (t) => {
  t.equal(until('18:00', '2026-11-21T06:30Z'), '2026-11-21T17:00')
  t.equal(until('18:00', '2026-11-21T17:00Z'), '2026-11-22T17:00', 'now is not later')
  t.equal(until('00:30', '2026-11-21T23:10Z'), '2026-11-21T23:30', 'there it is tomorrow already')
  t.equal(until('18:00', '2026-11-21T06:30Z', 'America/Los_Angeles'), '2026-11-22T02:00')
  t.equal(until('05:30', '2026-11-21T06:30Z', 'Asia/Kathmandu'), '2026-11-21T23:45')
})

t.test('clocks that are set forward or back do not confuse it', async (t) => {
  t.equal(until('12:00', '2026-03-28T12:00Z'), '2026-03-29T10:00', 'summer time came in the night')
  t.equal(until('12:00', '2026-10-24T12:00Z'), '2026-10-25T11:00', 'and went')
  t.equal(until('02:30', '2026-03-28T12:00Z'), '2026-03-29T01:30', 'left out: an hour later')
  t.match(until('02:30', '2026-10-24T12:00Z'), /^2026-10-25T0[01]:30$/, 'there twice: one of them')
  t.equal(until('2026-03-29T03:00', '2026-03-28T12:00Z'), '2026-03-29T01:00')
})

t.test('spans count from now, and what is no moment is none', async (t) => {
  t.equal(until('90m', '2026-11-21T06:30Z'), '2026-11-21T08:00')
  for (const text of [
    '',
    '24:00',
    '7:00',
    '18',
    '18:60',
    '0h',
    '2026-13-01T10:00',
    '2026-11-20T10:00',
  ]) {
    t.equal(until(text, '2026-11-21T06:30Z'), null, text)
  }
})
