// What every page of the admin says first: what was just done, a change that waits to be kept, a table that is not in force.

import type { FastifyReply } from 'fastify'
import { type Html, html } from '../../auth/app/html.ts'
import { GatehouseError } from '../../errors.ts'
import { queryValue } from './asked.ts'
import { buttonForm } from './controls.ts'
import { doneSentences } from './done.ts'
import { clockTime } from './words.ts'

/** Never rejects: a page about machines can be read while the file cannot. */
export async function bannersOf(reply: FastifyReply): Promise<Html> {
  return html`${doneBanner(reply)}${lockdownBanner(reply)}${await fileBanners(reply)}`
}

function doneBanner({ request }: FastifyReply): Html | null {
  const code = queryValue(request, 'done')
  const sentence = code === null ? undefined : doneSentences.get(code)
  if (sentence === undefined) return null
  return html`<div class="banner" role="status"><p>${sentence}</p></div>`
}

function lockdownBanner({ server }: FastifyReply): Html | null {
  const { on } = server.admin.desks.house.lockdown()
  if (!on) return null
  return html`<div class="banner bad"><p><b>Lockdown is on.</b> Only people who are signed in, and networks they came from, are let in.</p><a class="button small quiet" href="/protection">See it</a></div>`
}

async function fileBanners(reply: FastifyReply): Promise<Html | null> {
  const { routes, now: clock } = reply.server.admin.desks
  const now = clock()
  let file: Awaited<ReturnType<typeof routes.read>>
  try {
    file = await routes.read()
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    return html`<div class="banner bad"><p><b>The route file cannot be read.</b> The table in use stays. ${error.message}</p></div>`
  }
  const { pending, inForce, problems, held } = file
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const parts: Html[] = []
  if (pending !== null) {
    parts.push(
      html`<div class="banner warn" role="alert"><p><b>Is everything still there?</b> The change you saved undoes itself at ${clockTime(pending.until)}<span data-left="${pending.until - now}"></span>, unless you keep it.</p>${buttonForm(reply.request, { action: '/file/keep', fields: { token: pending.token }, label: 'Keep it', look: 'strong' })}</div>`,
    )
  }
  if (errors > 0) {
    parts.push(
      html`<div class="banner bad"><p><b>The file has ${errors === 1 ? 'a mistake' : `${errors} mistakes`}</b> and is not in use; the table before it is.</p><a class="button small quiet" href="/file">See ${errors === 1 ? 'it' : 'them'}</a></div>`,
    )
  } else if (held.length > 0) {
    parts.push(
      html`<div class="banner warn"><p><b>The file is held back</b>: it would let more people in than now. The table before it is in use.</p><a class="button small quiet" href="/file">Look at it</a></div>`,
    )
  } else if (!inForce) {
    parts.push(
      html`<div class="banner warn"><p>The file was changed a moment ago and is not in use yet.</p></div>`,
    )
  }
  return html`${parts}`
}
