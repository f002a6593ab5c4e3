// The last days of a machine as a picture: one bar a day, drawn as SVG in the page, with the same said in words.

import { type Html, html } from '../../auth/app/html.ts'
import type { MachineSpan } from '../desks/types.ts'
import { spanWords } from './words.ts'

export interface TimelineView {
  /** Oldest first. */
  readonly spans: readonly MachineSpan[]
  /** Wall clock, milliseconds. */
  readonly now: number
  readonly days: number
  /** IANA, for the borders of days. */
  readonly timeZone: string
}

const dayMs = 86_400_000
const minuteMs = 60_000
/** A day of the drawing, which is stretched to the width of the page: a minute is a unit. */
const dayWidth = dayMs / minuteMs
const barHeight = 10

/** `null`: nothing is known. */
export function timeline(view: TimelineView): Html | null {
  const { spans, days, now } = view
  if (spans.length === 0) return null
  const rows = daysOf(view).map((day) => {
    const bars = spans.flatMap((span) => barOf(span, day, now))
    return html`<span>${day.label}</span><svg viewBox="0 0 ${dayWidth} ${barHeight}" preserveAspectRatio="none"><rect class="ground" width="${dayWidth}" height="${barHeight}"></rect>${bars}<path class="grid" d="M360 0v10M720 0v10M1080 0v10"></path></svg>`
  })
  const words = `Awake for ${spanWords(awakeMs(view))} in the last ${days} days.`
  return html`<figure class="timeline"><div class="days" role="img" aria-label="${words}">${rows}<span></span><p class="hours"><span>0</span><span>6</span><span>12</span><span>18</span><span>24</span></p></div><figcaption>${words} ${legend(spans)}</figcaption></figure>`
}

interface Day {
  readonly from: number
  readonly to: number
  readonly label: string
}

/** Days in the machine's time zone, today last. A day of 23 or 25 hours is drawn as it is: cut, or beyond midnight. */
function daysOf({ now, days, timeZone }: TimelineView): readonly Day[] {
  const clock = clockOf(timeZone)
  const made: Day[] = []
  let at = now
  for (let i = 0; i < days; i++) {
    const { hour, minute, second, weekday, day } = clock(at)
    const from = at - ((hour * 60 + minute) * 60 + second) * 1000 - (at % 1000)
    made.unshift({ from, to: from + dayMs, label: `${weekday} ${day}` })
    // Noon of the day before: no change of the clocks comes near.
    at = from - dayMs / 2
  }
  return made
}

interface Clock {
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly weekday: string
  readonly day: string
}

function clockOf(timeZone: string): (at: number) => Clock {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, hourCycle: 'h23', weekday: 'short', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
    const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type) ?? 0)
    return {
      ...{ hour: number('hour'), minute: number('minute'), second: number('second') },
      ...{ weekday: parts.get('weekday') ?? '', day: parts.get('day') ?? '' },
    }
  }
}

function barOf({ from, to, state }: MachineSpan, day: Day, now: number): readonly Html[] {
  const look = lookOf(state)
  const begin = Math.max(from, day.from)
  const end = Math.min(to ?? now, day.to)
  if (look === 'asleep' || end <= begin) return []
  // What lasted a minute is still to be seen.
  const wide = Math.max(6, (end - begin) / minuteMs)
  const x = Math.round((begin - day.from) / minuteMs)
  return [
    html`<rect class="${look}" x="${x}" width="${Math.round(wide)}" height="${barHeight}"><title>${labels[look]} for ${spanWords(end - begin)}</title></rect>`,
  ]
}

type Look = keyof typeof labels

const labels = {
  awake: 'awake',
  moving: 'starting or stopping',
  trouble: 'could not be started',
  asleep: 'asleep',
  unknown: 'not known',
} as const

function lookOf(state: string): Look {
  switch (state) {
    case 'awake':
    case 'draining':
      return 'awake'
    case 'starting':
    case 'booting':
    case 'stopping':
      return 'moving'
    case 'resting':
    case 'gone':
      return 'trouble'
    case 'asleep':
      return 'asleep'
    default:
      return 'unknown'
  }
}

function legend(spans: readonly MachineSpan[]): Html {
  const seen = new Set(spans.map(({ state }) => lookOf(state)))
  const items = (Object.keys(labels) as readonly Look[])
    .filter((look) => seen.has(look))
    .map(
      (look) =>
        html`<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="${look === 'asleep' ? 'ground' : look}" width="12" height="12" rx="2"></rect></svg>${labels[look]}</li>`,
    )
  return html`<ul class="legend">${items}</ul>`
}

function awakeMs({ spans, now, days }: TimelineView): number {
  const since = now - days * dayMs
  return spans.reduce((sum, { from, to, state }) => {
    const length = Math.min(to ?? now, now) - Math.max(from, since)
    return lookOf(state) === 'awake' && length > 0 ? sum + length : sum
  }, 0)
}
