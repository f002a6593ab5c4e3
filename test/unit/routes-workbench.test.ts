// Texts are studied in a thread that stays while it is used, and is gone afterwards.

import t from 'tap'
import { createWorkbench } from '../../src/routes-file/edit/workbench.ts'
import { readTable } from '../../src/routes-file/read.ts'
import { tableText } from '../fixtures/table-text.ts'

const text = tableText(['{ host: a, to: box:1 }'])

function clock() {
  let timers: { ms: number; run: () => void }[] = []
  return {
    after(ms: number, run: () => void) {
      const timer = { ms, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((each) => each !== timer)
      }
    },
    due: () => timers.map(({ ms }) => ms),
    ring() {
      for (const { run } of timers.splice(0)) run()
    },
  }
}

t.test('several questions at once have each their answer', async (t) => {
  const time = clock()
  const bench = createWorkbench(time)
  const running = readTable(text).definition
  if (running === null) throw new Error('the table is wrong')
  const [file, change, other] = await Promise.all([
    bench.file({ kind: 'file', text }),
    bench.change({ kind: 'change', text, wish: { kind: 'disable', id: 'a/' }, running }),
    bench.file({ kind: 'file', text: 'version: 2' }),
  ])
  t.strictSame(
    file.rows.map(({ id }) => id),
    ['auth/', 'proxy/', 'a/'],
  )
  t.equal(change.text, text.replace('box:1 }', 'box:1, disabled: true }'))
  t.match(change.access, [{ sentence: 'a/: login → disabled' }])
  t.equal(other.definition, null)
  t.strictSame(time.due(), [30_000], 'then it rests')
  time.ring()
  t.match(await bench.file({ kind: 'file', text }), { problems: [] }, 'and is made anew when asked')
  bench.close()
})

t.test(
  'what takes too long fails, and so does what waits behind it; the next question does not',
  async (t) => {
    const time = clock()
    const bench = createWorkbench(time)
    const asked = [bench.file({ kind: 'file', text }), bench.file({ kind: 'file', text })]
    time.ring()
    for (const each of asked) await t.rejects(each, { code: 'reader-failed' })
    t.match(await bench.file({ kind: 'file', text }), { problems: [] })
    bench.close()
  },
)

t.test('somebody’s typing does not pile up', async (t) => {
  const bench = createWorkbench(clock())
  const asked = Array.from({ length: 25 }, () => bench.file({ kind: 'file', text }))
  const results = await Promise.allSettled(asked)
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 20)
  t.equal(results.filter(({ status }) => status === 'rejected').length, 5)
  bench.close()
})
