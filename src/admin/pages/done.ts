// What was done, in a sentence each: a page that sends the browser on names one, the next page shows it.

/** A name in the address shows one of these or nothing: no link can put words of its own on our pages. */
export const doneSentences: ReadonlyMap<string, string> = new Map(
  Object.entries({
    saved: 'Saved. The new table is in use.',
    kept: 'The change stays.',
    'kept-not': 'There was nothing left to keep: the change has undone itself.',
    unchanged: 'Nothing was different, so nothing was saved.',
    'person-added': 'The person is there. Make an invitation, so that he or she can sign in.',
    'person-changed': 'Saved.',
    'person-disabled': 'Nobody comes in under this name any more. Sessions have ended.',
    'person-enabled': 'This person may sign in again.',
    'person-removed': 'The person is gone, with all that was theirs.',
    'credential-removed': 'That cannot be signed in with any more.',
    'session-ended': 'The session has ended.',
    'sessions-ended': 'The sessions have ended.',
    panic: 'Every session, token and unused link has ended.',
    'token-revoked': 'The token opens nothing any more.',
    'machine-waking': 'It is being started.',
    'machine-sleeping': 'It goes to sleep as soon as it can.',
    'machine-restarting': 'It is stopped and started again.',
    'machine-kept': 'It is kept awake.',
    'machine-let-go': 'It may sleep again when nobody uses it.',
    'certificates-read': 'The certificates were read again.',
    'ban-lifted': 'This network may try again.',
    'ban-absent': 'This network was not banned any more.',
    'lockdown-on': 'Lockdown is on.',
    'lockdown-off': 'Lockdown is off. Everything is as the table says.',
  }),
)
