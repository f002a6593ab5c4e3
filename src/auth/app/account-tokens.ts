// Personal tokens for programs: the list, a new one shown once, and revoking.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { GatehouseError } from '../../errors.ts'
import type { Host } from '../../model.ts'
import { originOf } from '../../sign-in-url.ts'
import type { User } from '../people.ts'
import type { Token } from '../tokens.ts'
import { noteChange } from './account-change.ts'
import { type Owner, recently, signedIn } from './account-guard.ts'
import { timeElement } from './account-time.ts'
import {
  emptyTokenFields,
  readTokenFields,
  type TokenFaults,
  type TokenWishes,
  tokenFieldsOf,
} from './account-token-form.ts'
import { newTokenPage, tokenCreatedPage } from './account-token-pages.ts'
import { accountPage, buttonForm, list, listItem } from './account-view.ts'
import type { AppContext } from './context.ts'
import { hidden } from './controls.ts'
import { fieldOf, formOf, queryOf } from './forms.ts'
import { type Html, html } from './html.ts'
import { goOn } from './layout.ts'

declare module './flows.ts' {
  interface FlowData {
    /** A token that was just made, for the one page that shows it. */
    'new-token': {
      readonly user: Owner['user']['id']
      readonly label: string
      readonly text: string
    }
  }
}

const path = '/account/tokens'
const newPath = '/account/tokens/new'
const createdPath = '/account/tokens/created'

/** `GET /account/tokens`, `GET …/new` and `POST` to make one, `GET …/created` to see it, `POST …/revoke`. */
export function registerAccountTokens(app: FastifyInstance, context: AppContext): void {
  app.get(
    path,
    signedIn(context, path, (_request, reply, owner) => tokensPage(reply, owner)),
  )
  app.get(
    newPath,
    recently(context, newPath, (_request, reply, { user }) =>
      newTokenPage(reply, {
        fields: emptyTokenFields,
        faults: {},
        administers: administers(context, user),
      }),
    ),
  )
  app.post(
    path,
    recently(context, newPath, async (request, reply, { user }) => {
      const fields = tokenFieldsOf(formOf(request))
      const administer = administers(context, user)
      const isRouted = (host: Host) => isOpenToTokens(context, host)
      const read = readTokenFields(fields, { isRouted, administer })
      const again = (faults: TokenFaults, status: number) =>
        newTokenPage(reply, { fields, faults, status, administers: administer })
      if ('faults' in read) return again(read.faults, 422)
      const made = await create(context, user.id, read.wishes)
      if ('faults' in made) return again(made.faults, 409)
      const { record, text } = made
      const details = {
        token: record.id,
        label: record.label,
        hosts: record.hosts?.join(' ') ?? null,
        expiresAt: record.expiresAt,
        wake: record.wake !== null,
        scopes: record.scopes.join(' ') || null,
      }
      await noteChange(context, request, {
        user: user.id,
        event: 'token-added',
        details,
        notice: { kind: 'credential-added', text: `Made a token: “${record.label}”.` },
      })
      const { browser, from } = request.visit
      const owner = { browser, network: from.network }
      const data = { user: user.id, label: record.label, text }
      const flow = context.flows.begin('new-token', data, owner, shownMs)
      return goOn(reply, `${createdPath}?shown=${flow.id}`)
    }),
  )
  app.get(
    createdPath,
    signedIn(context, path, (request, reply, { user }) => {
      const id = queryOf(request, 'shown') ?? ''
      const flow = context.flows.find('new-token', id, request.visit.browser)
      if (flow === null || flow.data.user !== user.id) return goOn(reply, path)
      return tokenCreatedPage(reply, flow.data)
    }),
  )
  app.post(
    `${path}/revoke`,
    // Without a recent login: taking a right away must be quick.
    signedIn(context, path, async (request, reply, { user }) => {
      const token = context.tokens.byId(fieldOf(formOf(request), 'id', 64))
      if (token === null || token.record.user !== user.id) return goOn(reply, path)
      const { id, label } = token.record
      await context.tokens.remove([id], 'revoked-by-user')
      await noteChange(context, request, {
        user: user.id,
        event: 'token-revoked',
        details: { token: id, label },
        notice: { kind: 'credential-removed', text: `Revoked the token “${label}”.` },
      })
      return goOn(reply, path)
    }),
  )
}

/** How long a new token can be looked at, in the browser that made it, milliseconds. */
const shownMs = 300_000

async function create(
  context: AppContext,
  user: Owner['user']['id'],
  wishes: TokenWishes,
): Promise<Awaited<ReturnType<AppContext['tokens']['create']>> | { readonly faults: TokenFaults }> {
  const { lifeMs, ...others } = wishes
  const expiresAt = lifeMs === null ? null : context.now() + lifeMs
  try {
    return await context.tokens.create({ ...others, user, expiresAt })
  } catch (error) {
    if (!(error instanceof GatehouseError) || error.code !== 'too-many-tokens') throw error
    return { faults: { label: 'You have as many tokens as one can have. Revoke one first.' } }
  }
}

/** Scopes are of use to this person. What a token has of them counts as long as its owner administers. */
function administers({ adminDoor }: AppContext, user: User): boolean {
  return adminDoor?.mayAdminister?.(user) === true
}

/** A host of the table, exact or below a wildcard; never the login host. */
function isOpenToTokens(context: AppContext, host: Host): boolean {
  if (host === context.loginHost()) return false
  const port = context.publicPort()
  return context.hosts().some((origin) => {
    if (origin === originOf(host, port)) return true
    const suffix = /^https:\/\/\*(\.[^:/]+)/.exec(origin)?.[1]
    return suffix !== undefined && host.endsWith(suffix)
  })
}

function tokensPage(reply: FastifyReply, { user }: Owner): FastifyReply {
  const items = reply.server.login.tokens.list(user.id).map((token) => item(reply, token))
  return accountPage(reply, {
    tab: 'tokens',
    title: 'Tokens for programs',
    lead: 'Git, calendars, sync and scripts cannot sign in with a key. Give each a token of its own.',
    body: html`<section aria-label="Tokens">${list(items, 'None yet.')}<p><a class="button" href="${newPath}">Make a token</a></p></section>`,
  })
}

function item(reply: FastifyReply, { record }: Token): Html {
  const now = reply.server.login.now()
  const { id, label, lastUsedAt, lastAddress, expiresAt, createdAt } = record
  const isOver = expiresAt !== null && expiresAt <= now
  const use =
    lastUsedAt === null
      ? html`Not used yet`
      : html`Last used ${timeElement(lastUsedAt, now)}${lastAddress !== null && ` from ${lastAddress}`}`
  const end =
    expiresAt === null ? html`does not expire` : html`expires ${timeElement(expiresAt, now)}`
  return listItem({
    name: html`${label}${isOver && html` <span class="tag">expired</span>`}`,
    meta: [html`${use}, made ${timeElement(createdAt, now)}, ${end}`, scopeText(record)],
    action: buttonForm(reply, {
      action: `${path}/revoke`,
      fields: hidden({ id }),
      label: 'Revoke',
      about: label,
      look: 'danger',
    }),
  })
}

function scopeText({ hosts, methods, paths, wake, scopes }: Token['record']): string {
  const parts = [
    hosts === null ? 'every host' : hosts.join(', '),
    methods === null ? null : methods.join(', '),
    paths === null ? null : paths.join(', '),
    wake === null ? null : `may wake machines, ${wake.perDay} times a day${hoursText(wake.hours)}`,
    scopes.length === 0 ? null : `at the admin: ${scopes.join(', ')}`,
  ]
  return parts.filter((part) => part !== null).join(' · ')
}

function hoursText(hours: { readonly from: number; readonly to: number } | null): string {
  return hours === null ? '' : `, ${clock(hours.from)} to ${clock(hours.to)} UTC`
}

function clock(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
