// `awake:` of a VM: times of the week in which it is kept awake.

import type { AwakeTime } from '../model-machines.ts'
import { nearest } from '../nearest.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { RawAwakeTime } from './schema-vm.ts'

const dayNames: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const everyDay = [0, 1, 2, 3, 4, 5, 6]

/** Reads the list; times that are wrong are reported and left out. */
export function readAwake(
  raw: readonly RawAwakeTime[] | undefined,
  at: Path,
  reporter: Reporter,
): readonly AwakeTime[] {
  return (raw ?? []).flatMap((time, index): AwakeTime[] => {
    const here = [...at, index]
    const days =
      time.days === undefined ? everyDay : readDays(time.days, [...here, 'days'], reporter)
    const from = readTime(time.from, [...here, 'from'], reporter)
    const to = readTime(time.to, [...here, 'to'], reporter)
    if (from === null || to === null || days.length === 0) return []
    if (from === to || from === minutesOfDay) {
      reporter.error(here, {
        code: 'time-of-day',
        what: `from ${time.from} to ${time.to} is no time at all`,
        remedy: 'for the whole day write { from: "00:00", to: "24:00" }',
      })
    }
    return [{ days, from, to }]
  })
}

const minutesOfDay = 1440

/** @returns minutes since midnight; 24:00 is the end of the day. */
function readTime(text: string, at: Path, reporter: Reporter): number | null {
  const form = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text)
  const minutes = Number(form?.[1]) * 60 + Number(form?.[2])
  if (form !== null && minutes <= minutesOfDay) return minutes
  reporter.error(at, {
    code: 'time-of-day',
    what: `${quote(text)} is no time of day`,
    remedy: 'write hours and minutes, such as "08:00"',
  })
  return null
}

function readDays(raw: readonly string[], at: Path, reporter: Reporter): readonly number[] {
  const days = new Set<number>()
  for (const [index, text] of raw.entries()) {
    const [first = '', last = first, ...more] = text.toLowerCase().split('-')
    const from = dayNames.indexOf(first)
    const to = dayNames.indexOf(last)
    if (from === -1 || to === -1 || more.length > 0) {
      const meant = nearest(text, dayNames)
      reporter.error([...at, index], {
        code: 'time-of-day',
        what: `${quote(text)} is no day of the week`,
        remedy:
          meant === null
            ? 'write mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri'
            : `did you mean ${meant}?`,
      })
      continue
    }
    // A range may go past the end of the week: fri-mon.
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day)
      if (day === to) break
    }
  }
  return [...days].toSorted((a, b) => a - b)
}
