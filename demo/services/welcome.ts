// The demo's front page: what there is to see.

import { html, joined, sendPage, siteUrl } from '../page.ts'
import type { Service } from '../service.ts'

export function createWelcome(): Service {
  return {
    name: 'welcome',
    handle: ({ req, res, path }) => {
      if (path !== '/') {
        res.writeHead(404, { 'content-type': 'text/plain' }).end('The backend has no such page.\n')
        return
      }
      sendPage(req, res, {
        title: 'A gate with a few houses behind it',
        lead: html`Every link is a site of its own, served by a small program on this machine. Gatehouse
          stands in front of all of them: one port, one certificate, one table of routes.`,
        body: joined(
          groups.map(
            ({ heading, sites }) => html`<h2>${heading}</h2>
<ul class="cards">
${joined(
  sites.map(
    ([name, title, text]) =>
      html`<li><a href="${siteUrl(req, name)}${name === 'notes' ? 'share/today' : ''}"><strong>${title}</strong><span>${text}</span></a></li>`,
  ),
)}
</ul>`,
          ),
        ),
      })
    },
  }
}

const groups = [
  {
    heading: 'What passes through',
    sites: [
      ['headers', 'Headers', 'What a service is told about you, and what is kept from it'],
      ['echo', 'WebSocket', 'An echo, over HTTP/1.1 or HTTP/2'],
      ['events', 'Event stream', 'One event a second, never buffered'],
      ['upload', 'Upload', 'Files of any size, in flat memory'],
    ],
  },
  {
    heading: 'What asks who you are',
    sites: [
      ['private', 'Private', 'For everybody who has signed in'],
      ['talk', 'Private WebSocket', 'Closed within a second when the session ends'],
      ['album', 'Landing page', 'A door with a name on it; the service behind it is private'],
      ['family', 'Family', 'For a group that you are in'],
      ['neighbour', 'Neighbour', 'For somebody else: 403'],
      ['safe', 'Safe', 'Asks again when you signed in more than two minutes ago'],
      ['notes', 'Notes', 'One part is open, the rest is not'],
      ['auth', 'Sign in', 'And what you may open, your account, where you are signed in'],
      ['proxy', 'Admin', 'Routes, machines, people, what happened: for the group admin'],
    ],
  },
  {
    heading: 'What sleeps',
    sites: [
      [
        'studio',
        'A sleeping machine',
        'Wakes in about 12 seconds when you ask, sleeps after a minute',
      ],
    ],
  },
  {
    heading: 'What stops at the gate',
    sites: [
      ['limited', 'Rate limit', 'One request a second, three at once: reload quickly'],
      ['nowhere', 'Unknown', 'A name that is in no route: 404'],
      ['old', 'Redirect', 'An address that moved'],
    ],
  },
  {
    heading: 'What goes wrong',
    sites: [
      ['slow', 'Slow', 'An answer that takes its time, or too long: 504'],
      ['crash', 'Crash', 'A service that dies in all the ways services die'],
      ['down', 'Down', 'A service that is not there: 502'],
      ['closed', 'Maintenance', 'A service that its owner has closed for now: 503'],
    ],
  },
] as const
