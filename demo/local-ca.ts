// A certificate authority for this machine: makes a root and issues server and client certificates.
// For demo and tests; never part of the gateway.

import 'reflect-metadata'
import { createHash, KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

export type KeyType = 'ecdsa' | 'rsa'

export interface CertificateRequest {
  /** DNS names (a leading `*.` label is allowed) and IP addresses; the first is the common name. At least one. */
  readonly names: readonly string[]
  /** Default: one hour ago, so that a slightly wrong clock does not matter. */
  readonly notBefore?: Date
  /** Default: 90 days from now. Apple's clients refuse more than 825 days, even under an own root. */
  readonly notAfter?: Date
  /** `ecdsa` is P-256, `rsa` is 2048 bits (slow to make: about 100 ms). Default `ecdsa`. */
  readonly keyType?: KeyType
  /** For TLS clients instead of servers. Default false. */
  readonly client?: boolean
}

/** PEM text: the certificate alone (no root behind it) and its PKCS #8 key. */
export interface IssuedCertificate {
  readonly certPem: string
  readonly keyPem: string
}

export interface LocalCa {
  /** The root, PEM. What a client has to trust. */
  readonly certPem: string
  /** The root's private key, PKCS #8 PEM. Whoever holds it can impersonate what the constraints permit. */
  readonly keyPem: string
  /**
   * Issues a leaf with subject alternative names and one extended key usage (RFC 5280 §4.2).
   *
   * @throws TypeError when `names` is empty.
   */
  issue(request: CertificateRequest): Promise<IssuedCertificate>
}

export interface LocalCaOptions {
  /** Common name of the root, as trust stores show it. */
  readonly name: string
  /**
   * DNS names below which alone the root may issue (RFC 5280 §4.2.1.10), each with all its subdomains; addresses
   * are then limited to loopback. Default: no limit. A root that people trust on their own machine should have
   * one: its key, lost, must not be good for their bank.
   */
  readonly permittedNames?: readonly string[]
  readonly notBefore?: Date
  /** Default: ten years from now. */
  readonly notAfter?: Date
}

/** Makes a new root with a fresh ECDSA P-256 key. */
export async function createLocalCa(options: LocalCaOptions): Promise<LocalCa> {
  const keys = await generateKeys('ecdsa')
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
  ]
  if (options.permittedNames !== undefined) {
    extensions.push(nameConstraints(options.permittedNames))
  }
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ O: ['Gatehouse'] }, { CN: [options.name] }],
    notBefore: options.notBefore ?? hoursFromNow(-1),
    notAfter: options.notAfter ?? hoursFromNow(10 * 365 * 24),
    signingAlgorithm: ecdsaSignature,
    keys,
    extensions,
  })
  return authority(root, keys.privateKey, exportKey(keys.privateKey))
}

/**
 * Takes up a root made earlier by `createLocalCa`.
 *
 * @throws Error when the PEM texts cannot be read or do not belong together.
 */
export async function openLocalCa(pem: { certPem: string; keyPem: string }): Promise<LocalCa> {
  const root = new x509.X509Certificate(pem.certPem)
  const der = Buffer.from(pem.keyPem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  const key = await webcrypto.subtle.importKey('pkcs8', der, ecdsaKey, true, ['sign'])
  if (!new X509Certificate(pem.certPem).checkPrivateKey(KeyObject.from(key))) {
    throw new Error('the certificate and the key of the local CA do not belong together')
  }
  return authority(root, key, pem.keyPem)
}

type Keys = webcrypto.CryptoKeyPair

const ecdsaKey = { name: 'ECDSA', namedCurve: 'P-256' } as const
const ecdsaSignature = { name: 'ECDSA', hash: 'SHA-256' } as const
const rsaKey = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
} as const

function authority(
  root: x509.X509Certificate,
  rootKey: webcrypto.CryptoKey,
  keyPem: string,
): LocalCa {
  return { certPem: `${root.toString('pem')}\n`, keyPem, issue }

  async function issue(request: CertificateRequest): Promise<IssuedCertificate> {
    const [first] = request.names
    if (first === undefined) throw new TypeError('a certificate needs at least one name')
    const keyType = request.keyType ?? 'ecdsa'
    const keys = await generateKeys(keyType)
    const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [{ CN: [first] }],
      issuer: root.subject,
      notBefore: request.notBefore ?? hoursFromNow(-1),
      notAfter: request.notAfter ?? hoursFromNow(90 * 24),
      publicKey: keys.publicKey,
      signingKey: rootKey,
      signingAlgorithm: ecdsaSignature,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        // Key encipherment is for the RSA key exchange of TLS 1.2 alone (RFC 5280 §4.2.1.3).
        new x509.KeyUsagesExtension(
          keyType === 'rsa' ? digitalSignature | keyEncipherment : digitalSignature,
          true,
        ),
        new x509.ExtendedKeyUsageExtension([
          request.client === true
            ? x509.ExtendedKeyUsage.clientAuth
            : x509.ExtendedKeyUsage.serverAuth,
        ]),
        new x509.SubjectAlternativeNameExtension(
          request.names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(root.publicKey),
      ],
    })
    return { certPem: `${leaf.toString('pem')}\n`, keyPem: exportKey(keys.privateKey) }
  }
}

async function generateKeys(keyType: KeyType): Promise<Keys> {
  return keyType === 'rsa'
    ? webcrypto.subtle.generateKey(rsaKey, true, ['sign', 'verify'])
    : webcrypto.subtle.generateKey(ecdsaKey, true, ['sign', 'verify'])
}

function exportKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Sixteen random bytes, positive and without a leading zero (RFC 5280 §4.1.2.2 allows 20). */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

function hoursFromNow(hours: number): Date {
  return new Date(Date.now() + hours * 3_600_000)
}

/** The library has no class for name constraints, so the few bytes of DER are made here. */
function nameConstraints(names: readonly string[]): x509.Extension {
  const subtrees = [
    ...names.map((name) => der(0x30, der(0x82, Buffer.from(name, 'latin1')))),
    der(0x30, der(0x87, Buffer.from([127, 0, 0, 0, 255, 0, 0, 0]))),
    der(
      0x30,
      der(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1]), Buffer.alloc(16, 255)])),
    ),
  ]
  return new x509.Extension('2.5.29.30', true, der(0x30, der(0xa0, Buffer.concat(subtrees))))
}

function der(tag: number, content: Buffer): Buffer<ArrayBuffer> {
  const { length } = content
  if (length > 0xffff) throw new RangeError('too many names for one certificate')
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(header), content])
}

/** SHA-256 of a certificate, in the form that trust stores and browsers show. */
export function fingerprint(certPem: string): string {
  const hex = createHash('sha256').update(new X509Certificate(certPem).raw).digest('hex')
  return (hex.toUpperCase().match(/../g) ?? []).join(':')
}
