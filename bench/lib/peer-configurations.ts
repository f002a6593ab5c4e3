// Configuration files for the contestants that need one. Peers log nothing: that favours them. One thread each, as ours.

import { domain, host, type Place } from './place.ts'

/** Ours: one public route; ceilings raised for the one address that all load comes from, but counted all the same. */
export function routesFile(place: Place): string {
  return `version: 1
domain: ${domain}
trustedProxies: none
limits:
  flood: { perSecond: 1000000, burst: 1000000 }
  classes:
    general: { perSecond: 1000000, burst: 1000000 }
routes:
  - host: ${host}
    to: http://127.0.0.1:${place.backendPort}
    access: public
    prefix: true
    webSocket: true
    maxBody: unlimited
  - { host: auth, to: login, access: public }
`
}

/** `authPort: null`: without auth_request. */
export function nginxFile(
  options: Place & { port: number; authPort: number | null; directory: string },
): string {
  const { authPort, backendPort, certificateFile, keyFile, port, directory } = options
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${directory}/${name};`)
    .join('\n')
  const authUpstream =
    authPort === null ? '' : `upstream auth { server 127.0.0.1:${authPort}; keepalive 128; }`
  const authCheck = authPort === null ? '' : 'auth_request /auth;'
  const authLocation =
    authPort === null
      ? ''
      : `location = /auth {
        internal;
        proxy_pass http://auth/;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header Connection "";
      }`
  return `worker_processes 1;
pid ${directory}/nginx.pid;
events { worker_connections 8192; }
http {
${temporary}
  access_log off;
  keepalive_requests 100000000;
  client_max_body_size 0;
  map $http_upgrade $upgraded { default upgrade; '' ''; }
  upstream backend { server 127.0.0.1:${backendPort}; keepalive 128; keepalive_requests 100000000; }
  ${authUpstream}
  server {
    listen 127.0.0.1:${port} ssl http2 backlog=4096;
    server_name *.${domain};
    ssl_certificate ${certificateFile};
    ssl_certificate_key ${keyFile};
    ssl_protocols TLSv1.2 TLSv1.3;
    ${authLocation}
    location / {
      ${authCheck}
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_read_timeout 600s;
      proxy_set_header Host $host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $upgraded;
    }
  }
}
`
}

export function caddyFile(options: Place & { port: number }): string {
  return `{
  admin off
  auto_https off
  servers {
    protocols h1 h2
  }
}
https://*.${domain}:${options.port} {
  bind 127.0.0.1
  tls ${options.certificateFile} ${options.keyFile}
  reverse_proxy 127.0.0.1:${options.backendPort} {
    transport http {
      keepalive_idle_conns 128
      keepalive_idle_conns_per_host 128
    }
  }
}
`
}

export function haproxyFile(options: Place & { port: number; pem: string }): string {
  return `global
  nbthread 1
  maxconn 8192
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout tunnel 600s
  option forwardfor
  http-reuse always
frontend edge
  bind 127.0.0.1:${options.port} ssl crt ${options.pem} alpn h2,http/1.1
  http-request set-header X-Forwarded-Proto https
  default_backend app
backend app
  server app 127.0.0.1:${options.backendPort} pool-max-conn 128
`
}
