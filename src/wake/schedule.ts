// The times of the week in which a machine is kept awake, in its own time zone.

import type { AwakeTime, VmPower } from '../model-machines.ts'

export interface Schedule {
  /** When the present time awake ends, wall clock; `null`: it is not such a time. At most a week from now. */
  until(power: Pick<VmPower, 'awake' | 'timeZone'>): number | null
}

const minuteMs = 60_000
const dayMinutes = 1440
const weekMs = 7 * dayMinutes * minuteMs

export function createSchedule(deps: { readonly now: () => number }): Schedule {
  const formats = new Map<string, Intl.DateTimeFormat>()

  function localTime(at: number, timeZone: string): LocalTime {
    let format = formats.get(timeZone)
    if (format === undefined) {
      format = new Intl.DateTimeFormat('en-US', {
        timeZone,
        weekday: 'short',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      })
      formats.set(timeZone, format)
    }
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
    return {
      day: dayNames.indexOf(parts.get('weekday') ?? ''),
      minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
    }
  }

  return {
    until({ awake, timeZone }) {
      if (awake.length === 0) return null
      const now = deps.now()
      let end = now
      // One time may begin where another ends.
      while (end - now < weekMs) {
        const local = localTime(end, timeZone)
        const rest = Math.max(0, ...awake.map((time) => restOf(time, local)))
        if (rest === 0) break
        const next = end - (end % minuteMs) + rest * minuteMs
        // The clocks may change on the way: what counts is the time of day at which it ends.
        const reached = localTime(next, timeZone)
        const late = reached.minute - ((local.minute + rest) % dayMinutes)
        const corrected = next - centred(late) * minuteMs
        end = corrected > end ? corrected : next
      }
      return end > now ? Math.min(end, now + weekMs) : null
    },
  }
}

interface LocalTime {
  /** 0 Sunday to 6 Saturday. */
  readonly day: number
  /** Since midnight. */
  readonly minute: number
}

const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** Minutes until a time of the week ends; 0: it is not that time. */
function restOf({ days, from, to }: AwakeTime, { day, minute }: LocalTime): number {
  if (from < to) return days.includes(day) && minute >= from && minute < to ? to - minute : 0
  if (days.includes(day) && minute >= from) return dayMinutes - minute + to
  return days.includes((day + 6) % 7) && minute < to ? to - minute : 0
}

/** A difference between two times of day, the short way round. */
function centred(minutes: number): number {
  const half = dayMinutes / 2
  return ((((minutes + half) % dayMinutes) + dayMinutes) % dayMinutes) - half
}
