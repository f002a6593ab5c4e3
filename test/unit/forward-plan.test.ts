// Tokens in paths are never written down, and pages opened by one tell no one their address.

import t from 'tap'
import { maskTokens, withoutReferrer } from '../../src/forward-plan.ts'

const token = `gth_${'aB3-_'.repeat(8)}xyz`

t.test('a token is masked wherever it stands in a path', async (t) => {
  t.equal(maskTokens('/cal/me.ics', token), '/.gatehouse/t/***/cal/me.ics')
  t.equal(maskTokens(`/%2egatehouse/t/${token}/x`, null), '/%2egatehouse/t/gth_***/x')
  t.equal(maskTokens(`/a/${token}/b/${token}`, null), '/a/gth_***/b/gth_***')
  t.equal(maskTokens('/photoprism/library', null), '/photoprism/library')
  t.equal(maskTokens(`/enrol/${'aB-_5'.repeat(9).slice(0, 43)}`, null), '/enrol/***')
  t.equal(maskTokens('/enrol/password', null), '/enrol/password')
})

t.test('the referrer policy of such a page is ours, whatever the route says', async (t) => {
  t.same(withoutReferrer(null).set, ['referrer-policy', 'no-referrer'])
  const edits = withoutReferrer({
    set: ['x-a', '1', 'referrer-policy', 'unsafe-url'],
    remove: new Set(['server']),
  })
  t.same(edits.set, ['referrer-policy', 'no-referrer', 'x-a', '1'])
  t.same([...edits.remove].sort(), ['referrer-policy', 'server'])
})
