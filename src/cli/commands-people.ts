// The commands that work on people, sessions, tokens and their database; a part of the list in commands.ts.

import type { Command, Flag } from './commands.ts'

const json: Flag = { name: 'json', value: null, summary: 'print JSON, for programs' }
const expires: Flag = {
  name: 'expires',
  value: '<time>',
  summary: 'how long the link is good: 30m, 24h, 7d (24h)',
}
const ofUser: Flag = { name: 'user', value: '<name>', summary: 'only of this person' }
const yes: Flag = { name: 'yes', value: null, summary: 'do it; without it nothing is done' }

const common = { takesSettings: true, flags: [], details: [] } as const
const noOperands = { operands: '', minOperands: 0, maxOperands: 0 } as const
const oneName = { operands: '<name>', minOperands: 1, maxOperands: 1 } as const

/** In the order of help. */
export const peopleCommands = [
  {
    ...common,
    ...oneName,
    name: 'user add',
    summary: 'add a person, and print a one-time link to enrol with',
    flags: [
      { name: 'admin', value: null, summary: 'into the group admin, which opens the admin page' },
      { name: 'name', value: '<text>', summary: 'how the person is called (the name)' },
      { name: 'email', value: '<address>', summary: 'what services are told' },
      { name: 'groups', value: '<a,b>', summary: 'groups that routes.yaml names' },
      expires,
      json,
    ],
    details: [
      'Give the link to the person: opening it shows a page, and only a button on that page uses it up.',
      'It is shown once; "gatehouse user link" makes another.',
    ],
  },
  {
    ...common,
    ...noOperands,
    name: 'user list',
    summary: 'who may sign in, with what, and when they last did',
    flags: [json],
  },
  {
    ...common,
    ...oneName,
    name: 'user link',
    summary: 'a new one-time link, for a new device or a lost one',
    flags: [expires, json],
    details: ['Works for everybody at any time. Links made before stop working.'],
  },
  {
    ...common,
    ...oneName,
    name: 'user disable',
    summary: 'end all sessions of a person, and let nobody in by that name',
    details: ['Passkeys, passwords and tokens are kept, and are good again after "user enable".'],
  },
  {
    ...common,
    ...oneName,
    name: 'user enable',
    summary: 'let a disabled person sign in again',
  },
  {
    ...common,
    ...oneName,
    name: 'user reset',
    summary: 'remove all a person signs in with, end all sessions, print a new link',
    flags: [expires, json],
    details: ['Tokens are kept: "gatehouse token revoke --user <name>" ends them.'],
  },
  {
    ...common,
    ...oneName,
    name: 'user remove',
    summary: 'remove a person and everything that belongs to him',
    flags: [yes],
  },
  {
    ...common,
    operands: '<name> <a,b>',
    minOperands: 2,
    maxOperands: 2,
    name: 'user groups',
    summary: 'set the groups of a person; "" for none',
    details: ['In force for sessions that are open, too.'],
  },
  {
    ...common,
    operands: '<file>',
    minOperands: 1,
    maxOperands: 1,
    name: 'user import',
    summary: "people from Authelia's users_database.yml, or from an htpasswd file",
    flags: [expires, json],
    details: [
      'Takes names, groups and password hashes, and prints a link for everybody it adds, to enrol a',
      'second factor or a passkey with. People who are there already stay as they are.',
      'Says whom and what it could not take; then the exit code is 1.',
    ],
  },
  {
    ...common,
    ...noOperands,
    name: 'session list',
    summary: 'who is signed in, with what, where, since when',
    flags: [ofUser, json],
  },
  {
    ...common,
    operands: '[ref]',
    takesReference: true,
    minOperands: 0,
    maxOperands: 1,
    name: 'session revoke',
    summary: 'end one session, all of a person, or all',
    flags: [
      { name: 'user', value: '<name>', summary: 'all sessions of this person' },
      { name: 'all', value: null, summary: 'all sessions' },
    ],
    details: ['Also closes what is open in them: WebSockets, streams, downloads.'],
  },
  {
    ...common,
    ...noOperands,
    name: 'token list',
    summary: 'tokens of programs, what they are good for and when they were used',
    flags: [ofUser, json],
  },
  {
    ...common,
    ...noOperands,
    name: 'token add',
    summary: 'make a token for a program, and print it once',
    flags: [
      { name: 'user', value: '<name>', summary: 'whose token it is; must be given' },
      { name: 'label', value: '<text>', summary: 'what it is for; must be given' },
      { name: 'hosts', value: '<a,b>', summary: 'hosts it opens (all but login and admin)' },
      { name: 'methods', value: '<a,b>', summary: 'methods it may use (all)' },
      { name: 'paths', value: '<a,b>', summary: 'paths it opens, such as /dav/** (all)' },
      { name: 'expires', value: '<time>', summary: 'how long it lives: 90d, 365d, never (365d)' },
      { name: 'wake', value: '<n>', summary: 'may start a machine this many times a day (0)' },
      { name: 'wake-hours', value: '<times>', summary: 'only then, UTC: 08:00-22:00' },
      { name: 'scopes', value: '<a,b>', summary: 'rights at the admin, such as vms:read (none)' },
      json,
    ],
    details: [
      'A program sends it as "Authorization: Bearer", as the password of Basic, as X-Gatehouse-Token, or',
      'as the first part of the path: /.gatehouse/t/<token>/. It cannot be shown again.',
    ],
  },
  {
    ...common,
    operands: '[id]',
    takesReference: true,
    minOperands: 0,
    maxOperands: 1,
    name: 'token revoke',
    summary: 'end one token, all of a person, or all',
    flags: [
      { name: 'user', value: '<name>', summary: 'all tokens of this person' },
      { name: 'all', value: null, summary: 'all tokens' },
    ],
  },
  {
    ...common,
    ...noOperands,
    name: 'panic',
    summary: 'end all sessions, tokens and unused links at once',
    flags: [yes],
    details: ['Everybody has to sign in again, and every program needs a new token.'],
  },
  {
    ...common,
    operands: '[state]',
    minOperands: 0,
    maxOperands: 1,
    name: 'lockdown',
    summary: 'let nobody in but people who are signed in, and known networks',
    details: [
      'A network is known for 30 days after somebody signed in from there; from others even the login page',
      'is closed. Survives a restart. Without a word it says whether it is on.',
    ],
  },
  {
    ...common,
    ...noOperands,
    name: 'audit',
    summary: 'who did what with people, sessions and tokens; newest first',
    flags: [
      { name: 'user', value: '<name>', summary: 'only what concerns this person' },
      { name: 'event', value: '<name>', summary: 'only these, such as sign-in-failed' },
      { name: 'since', value: '<time>', summary: 'not older than 30m, 24h, 7d, or 2026-11-30' },
      { name: 'limit', value: '<n>', summary: 'at most so many, 1 to 1000 (100)' },
      json,
    ],
  },
  {
    ...common,
    ...noOperands,
    name: 'bans list',
    summary: 'networks that may not sign in for a while',
    flags: [json],
    details: ['The gateway that runs keeps them in memory; a restart forgets them.'],
  },
  {
    ...common,
    operands: '<network>',
    minOperands: 1,
    maxOperands: 1,
    name: 'bans lift',
    summary: 'let a banned network try again',
  },
] as const satisfies readonly Command[]
