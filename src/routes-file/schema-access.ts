// The shape of `access:` in routes.yaml: who may enter, and how he must have shown who he is.

import * as z from 'zod'
import { durationPattern } from './units.ts'

const simple = z
  .union([
    z.literal('public'),
    z.literal('login'),
    z.literal('nobody'),
    z.strictObject({
      users: z.array(z.string().describe('write a user name')).optional(),
      groups: z.array(z.string().describe('write a group name')).optional(),
      with: z
        .enum(['passkey', 'second-factor'])
        .optional()
        .describe('write passkey, or second-factor (two factors, or a passkey)'),
      within: z
        .string()
        .regex(durationPattern)
        .optional()
        .describe('write how long ago credentials may have been shown, such as 15m'),
    }),
  ])
  .describe(
    'write public (everyone), login (everyone signed in), nobody, or { users: [...], groups: [...], with: passkey, within: 15m }',
  )

const rule = z
  .strictObject({
    methods: z
      .array(z.string().describe('write a method, such as GET'))
      .min(1)
      .optional()
      .describe('write methods such as [GET, POST]; not written: every method'),
    paths: z
      .array(z.string().describe('write a whole path, such as /share/* or /api/**'))
      .min(1)
      .optional()
      .describe('write whole paths such as [/share/*, /api/**]; not written: every path'),
    access: simple,
  })
  .describe('write { methods: [GET], paths: [/share/*], access: public }')

/** `access:` of a route. */
export const access = z
  .union([...simple.options, z.array(rule).min(1)])
  .describe(
    'write public (everyone), login (everyone signed in), nobody, { users: [...], groups: [...], with: passkey, within: 15m }, or a list of rules [{ methods, paths, access }] of which the first that fits decides',
  )

export type RawAccess = z.infer<typeof access>
export type RawSimpleAccess = z.infer<typeof simple>
export type RawRule = z.infer<typeof rule>
