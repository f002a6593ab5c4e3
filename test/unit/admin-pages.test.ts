// Small parts of the admin's pages: drafts, secrets shown once, the picture of a week, numbers in words, its sheet.

import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { scriptUrl, styleUrl } from '../../src/admin/pages/assets.ts'
import { doneSentences } from '../../src/admin/pages/done.ts'
import { createDrafts, type Draft } from '../../src/admin/pages/drafts.ts'
import { createShownOnce } from '../../src/admin/pages/shown-once.ts'
import { adminStyle } from '../../src/admin/pages/style.ts'
import { timeline } from '../../src/admin/pages/timeline.ts'
import { counted, ended, sizeWords, spanWords } from '../../src/admin/pages/words.ts'
import { htmlText } from '../../src/auth/app/html.ts'
import type { UserId } from '../../src/model.ts'

const ada = 'ada' as UserId
const bob = 'bob' as UserId
const hour = 3_600_000
const day = 24 * hour

t.test(
  'a draft is found by whoever made it, for a day, and the oldest are forgotten',
  async (t) => {
    let now = 0
    const drafts = createDrafts({ now: () => now, randomBytes })
    const draft: Draft = {
      user: ada,
      wish: { kind: 'remove', id: 'x/' },
      etag: 'one',
      base: '1',
      title: 'x',
      form: null,
    }
    const id = drafts.keep(draft)
    t.equal(drafts.find(id, ada), draft)
    t.equal(drafts.find(id, bob), null)
    t.equal(drafts.find('', ada), null)
    drafts.rebase(id, draft, { etag: 'two', base: '2' })
    t.match(drafts.find(id, ada), { etag: 'two', base: '2', title: 'x' })
    now = day + 1
    t.equal(drafts.find(id, ada), null)
    const old = drafts.keep(draft)
    for (let i = 0; i < 45; i++) drafts.keep(draft)
    t.equal(drafts.find(old, ada), null)
    drafts.see('one', 'text')
    t.equal(drafts.textOf('one'), 'text')
    for (let i = 0; i < 20; i++) drafts.see(`${i}`, `${i}`)
    t.equal(drafts.textOf('one'), null)
  },
)

t.test('a secret is shown to whoever made it, for five minutes', async (t) => {
  let now = 0
  const secrets = createShownOnce<string>({ now: () => now, randomBytes })
  const id = secrets.keep(ada, 'secret')
  t.equal(secrets.find(id, ada), 'secret')
  t.equal(secrets.find(id, bob), null)
  now = 300_001
  t.equal(secrets.find(id, ada), null)
})

t.test('a week of a machine is a row a day in its own time zone', async (t) => {
  // Noon in Berlin, winter; the clocks went back on 25 October 2026.
  const now = Date.UTC(2026, 9, 28, 11)
  const spans = [
    { from: now - 8 * day, to: now - 3 * hour, state: 'asleep' },
    { from: now - 3 * hour, to: now - 2 * hour, state: 'booting' },
    { from: now - 2 * hour, to: null, state: 'awake' },
  ]
  const picture = timeline({ spans, now, days: 7, timeZone: 'Europe/Berlin' })
  const text = picture === null ? '' : htmlText(picture)
  const labels = [...text.matchAll(/<span>(\w{3} \d+)<\/span>/g)].map(([, label]) => label)
  t.strictSame(labels, ['Thu 22', 'Fri 23', 'Sat 24', 'Sun 25', 'Mon 26', 'Tue 27', 'Wed 28'])
  t.match(text, 'aria-label="Awake for 2 hours in the last 7 days."')
  t.match(text, '<rect class="awake" x="600" width="120"', 'from ten to noon')
  t.match(text, '<rect class="moving" x="540" width="60"')
  t.equal(timeline({ spans: [], now, days: 7, timeZone: 'UTC' }), null)
})

t.test('a sentence ends once', async (t) => {
  t.equal(ended('write a port'), 'write a port.')
  t.equal(ended('did you mean service?'), 'did you mean service?')
})

t.test('numbers are said as people say them', async (t) => {
  t.strictSame([0, 1_000, 59_000, 80_000, 300_000, 3 * hour, 50 * hour].map(spanWords), [
    '0 seconds',
    '1 second',
    '59 seconds',
    '1 minute 20 seconds',
    '5 minutes',
    '3 hours',
    '2 days',
  ])
  t.strictSame([0, 999, 2048, 1.5 * 1024 ** 3, 300 * 1024 ** 2].map(sizeWords), [
    '0 bytes',
    '999 bytes',
    '2 KB',
    '1.5 GB',
    '300 MB',
  ])
  t.strictSame([counted(1, 'route'), counted(2, 'person', 'people')], ['1 route', '2 people'])
})

t.test('every sentence that a page can be sent on with is known', async (t) => {
  const folder = new URL('../../src/admin/pages/', import.meta.url)
  const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  const used = new Set<string>()
  for (const source of sources) {
    for (const [call] of source.matchAll(/goOn\((?:[^()]|\([^()]*\))*\)/g)) {
      const args = call.split(',').slice(2).join(',')
      for (const [, code = ''] of args.matchAll(/(?<!=== )'([a-z-]+)'/g)) used.add(code)
    }
  }
  t.ok(used.size > 10)
  t.strictSame(
    [...used].filter((code) => !doneSentences.has(code)),
    [],
  )
})

t.test(
  'the sheet names no colour of its own, and its addresses change with the content',
  async (t) => {
    const own = readFileSync(new URL('../../src/admin/pages/style.ts', import.meta.url), 'utf8')
    t.notMatch(own, /#[0-9a-f]{3,8}\b|rgb\(/i)
    t.ok(adminStyle.length < 26_000, `${adminStyle.length}`)
    t.match(styleUrl(), /^\/assets\/admin\.[\w-]{16}\.css$/)
    t.match(scriptUrl('routes.js'), /^\/assets\/routes\.[\w-]{16}\.js$/)
  },
)
