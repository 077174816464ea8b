/**
 * Who a party is: an attestation key (secp256k1, signs events), a TLS key with its certificate, a storage key (journals)
 * and a party secret (salts of datasets). In a folder:
 *
 *   identity.json   public: name, party id, signer address, TLS fingerprint, certificate; this is what partners get
 *   secret.json     the four secrets, mode 0600; with a passphrase under scrypt and AES-256-GCM
 *
 * The party id is taggedDigest('tallystick/party/v1', signer address, TLS fingerprint), so neither key can be changed
 * without becoming another party.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  KeyObject,
  randomBytes,
  scryptSync,
  X509Certificate,
} from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToUtf8, canonicalBytes, fromHex, Secret, TallyError, toHex } from '@tallystick/core'
import type { Hex, Json } from '@tallystick/core'
import { partyId } from '../digests.ts'
import { addressOf } from '../events.ts'
import { createSigner, type Signer } from '../signing.ts'
import { readPrivateFile, syncFolder, writeNewFile } from './files.ts'
import { fingerprintOf } from './tls.ts'

/** What partners get, and what the terms quote. */
export interface PublicIdentity {
  readonly format: 'tallystick/identity/1'
  readonly name: string
  readonly party: Hex
  /** Address of the attestation key, 20 bytes. */
  readonly signer: Hex
  /** SHA-256 of the TLS public key (SPKI). */
  readonly tls: Hex
  /** PEM. */
  readonly certificate: string
}

export interface Identity extends PublicIdentity {
  /** 32 bytes, secp256k1. */
  readonly signerKey: Secret<Uint8Array>
  /** PKCS #8 PEM. */
  readonly tlsKey: Secret<string>
  /** 32 bytes: journals at rest. */
  readonly storageKey: Secret<Uint8Array>
  /** 32 bytes: the root of all dataset salts. */
  readonly partySecret: Secret<Uint8Array>
}

const publicFile = 'identity.json'
const secretFile = 'secret.json'
const publicFields = ['certificate', 'format', 'name', 'party', 'signer', 'tls']
const secretFormat = 'tallystick/identity-secret/1'

const malformed = (what: string, remedy: string, cause?: unknown): TallyError =>
  new TallyError('identity/malformed', 'self', what, { remedy, cause })

const checkName = (name: unknown): name is string =>
  typeof name === 'string' && name.isWellFormed() && /^[^\p{C}]{1,100}$/u.test(name) && name.trim() === name

/**
 * A self-signed Ed25519 certificate without an end (RFC 5280 section 4.1.2.5) and without personal data: only its key
 * is ever read.
 */
const createTlsKey = async (): Promise<{ tlsKey: string; certificate: string }> => {
  // Two hundred modules that nobody needs who has a certificate.
  await import('reflect-metadata') // x509's dependency injection asks for it
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'Ed25519' }
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: toHex(randomBytes(16))
      .slice(2)
      .replace(/^[89a-f]/, '7'),
    name: 'CN=Tallystick party',
    notBefore: new Date('2020-01-01T00:00:00Z'),
    notAfter: new Date('9999-12-31T23:59:59Z'),
    signingAlgorithm: algorithm,
    keys,
  })
  const tlsKey = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string
  return { tlsKey, certificate: `${certificate.toString('pem').trim()}\n` }
}

/** A new party with fresh keys; nothing is written. @throws TallyError identity/malformed for an unprintable name */
export const createIdentity = async (name: string): Promise<Identity> => {
  if (!checkName(name)) throw malformed('expected a name of 1 to 100 printable characters', 'choose another name')
  const signerKey = secp256k1.utils.randomSecretKey()
  const { tlsKey, certificate } = await createTlsKey()
  const signer = addressOf(signerKey)
  const tls = fingerprintOf(new X509Certificate(certificate))
  return {
    format: 'tallystick/identity/1',
    name,
    party: partyId(signer, tls),
    signer,
    tls,
    certificate,
    signerKey: Secret.of(signerKey),
    tlsKey: Secret.of(tlsKey),
    storageKey: Secret.of(Uint8Array.from(randomBytes(32))),
    partySecret: Secret.of(Uint8Array.from(randomBytes(32))),
  }
}

export const publicIdentity = ({ format, name, party, signer, tls, certificate }: PublicIdentity): PublicIdentity => ({
  format,
  name,
  party,
  signer,
  tls,
  certificate,
})

export const signerOf = (identity: Identity): Signer => createSigner(identity.signerKey.expose())

const parseJson = (bytes: Uint8Array, file: string): Record<string, Json> => {
  const remedy = `restore ${file} from a copy, or ask for it again`
  try {
    const value: unknown = JSON.parse(bytesToUtf8(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, Json>
  } catch {
    // No cause: the parser quotes what it read, which may be a secret.
    throw malformed(`expected JSON in ${file}`, remedy)
  }
  throw malformed(`expected a JSON object in ${file}`, remedy)
}

/**
 * Reads a public identity and checks that its parts fit each other. That it is the partner's own is for the reader to
 * find out: compare `party` by another way.
 * @throws TallyError identity/malformed
 */
export const parsePublicIdentity = (bytes: Uint8Array, file = 'the identity'): PublicIdentity => {
  const remedy = `ask the party for its ${publicFile} again`
  const fail = (what: string, cause?: unknown): never => {
    throw malformed(`${file}: ${what}`, remedy, cause)
  }
  const value = parseJson(bytes, file)
  const fields = Object.keys(value).sort()
  if (fields.join() !== publicFields.join())
    fail(`expected the fields ${publicFields.join(', ')}, found ${fields.join(', ')}`)
  const { format, name, party, signer, tls, certificate } = value
  if (format !== 'tallystick/identity/1') fail(`expected the format tallystick/identity/1`)
  if (!checkName(name)) return fail('expected a name of 1 to 100 printable characters')
  if (
    typeof party !== 'string' ||
    typeof signer !== 'string' ||
    typeof tls !== 'string' ||
    typeof certificate !== 'string'
  )
    return fail('expected text in every field')
  try {
    if (toHex(fromHex(tls, 32)) !== fingerprintOf(new X509Certificate(certificate)))
      return fail('expected the fingerprint of the certificate as "tls"')
    if (partyId(signer as Hex, tls as Hex) !== party) return fail('expected the digest of signer and tls as "party"')
  } catch (cause) {
    if (cause instanceof TallyError && cause.code === 'identity/malformed') throw cause
    return fail('expected hex fields and an X.509 certificate in PEM', cause)
  }
  return {
    format: 'tallystick/identity/1',
    name,
    party,
    signer: signer as Hex,
    tls: tls as Hex,
    certificate,
  }
}

interface Secrets {
  readonly signerKey: string
  readonly tlsKey: string
  readonly storageKey: string
  readonly partySecret: string
}
const scrypt = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 }

const seal = (secrets: Secrets, passphrase: string, party: Hex): Json => {
  const salt = randomBytes(16)
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', scryptSync(passphrase.normalize('NFKC'), salt, 32, scrypt), nonce)
  cipher.setAAD(fromHex(party))
  const sealed = Buffer.concat([cipher.update(canonicalBytes(secrets)), cipher.final(), cipher.getAuthTag()])
  return { kdf: 'scrypt-131072-8-1', salt: toHex(salt), nonce: toHex(nonce), sealed: toHex(sealed) }
}

const unseal = (box: Record<string, Json>, passphrase: string, party: Hex, file: string): Record<string, Json> => {
  const { kdf, salt, nonce, sealed } = box
  if (
    kdf !== 'scrypt-131072-8-1' ||
    typeof salt !== 'string' ||
    typeof nonce !== 'string' ||
    typeof sealed !== 'string'
  )
    throw malformed(`${file}: expected kdf, salt, nonce and sealed`, `restore ${file} from a copy`)
  const key = scryptSync(passphrase.normalize('NFKC'), fromHex(salt, 16), 32, scrypt)
  const bytes = fromHex(sealed)
  const decipher = createDecipheriv('aes-256-gcm', key, fromHex(nonce, 12))
  decipher.setAAD(fromHex(party))
  decipher.setAuthTag(bytes.subarray(-16))
  try {
    return parseJson(Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]), file)
  } catch (cause) {
    throw new TallyError('identity/wrong-key', 'self', `${file} does not open with this passphrase`, {
      remedy: 'enter the passphrase that was set when the identity was made',
      cause,
    })
  }
}

const pretty = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`)

/**
 * Writes both files into a folder, synced; the folder is made if it is not there.
 * @throws TallyError identity/exists if the folder holds an identity already: it is never overwritten
 */
export const saveIdentity = (folder: string, identity: Identity, passphrase?: string): void => {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const secrets: Secrets = {
    signerKey: toHex(identity.signerKey.expose()),
    tlsKey: identity.tlsKey.expose(),
    storageKey: toHex(identity.storageKey.expose()),
    partySecret: toHex(identity.partySecret.expose()),
  }
  const content = passphrase === undefined ? { secrets } : { box: seal(secrets, passphrase, identity.party) }
  for (const file of [publicFile, secretFile]) {
    if (!fs.existsSync(path.join(folder, file))) continue
    throw new TallyError('identity/exists', 'self', `${path.join(folder, file)} exists`, {
      remedy: 'choose another folder; an identity is never overwritten, since its keys cannot be made again',
    })
  }
  writeNewFile(
    path.join(folder, secretFile),
    pretty({ format: secretFormat, party: identity.party, ...content }),
    0o600,
  )
  writeNewFile(path.join(folder, publicFile), pretty(publicIdentity(identity)), 0o644)
  syncFolder(folder)
}

export const loadPublicIdentity = (file: string): PublicIdentity => {
  try {
    return parsePublicIdentity(fs.readFileSync(file), file)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new TallyError('identity/not-found', 'self', `expected an identity at ${file}`, {
      remedy: 'make one with "tally party init", or correct the path',
      cause,
    })
  }
}

/** Whether the secrets of the identity in this folder need a passphrase. */
export const needsPassphrase = (folder: string): boolean => {
  const file = path.join(folder, secretFile)
  return 'box' in parseJson(readPrivateFile(file), file)
}

/**
 * Reads an identity with its secrets, and checks that they are those of the public part.
 * @throws TallyError identity/not-found, identity/malformed, identity/wrong-key; a secret file that others may read is
 *   refused with the command that closes it
 */
export const loadIdentity = (folder: string, passphrase?: string): Identity => {
  const shown = loadPublicIdentity(path.join(folder, publicFile))
  const file = path.join(folder, secretFile)
  const remedy = `restore ${file} from a copy`
  const content = parseJson(readPrivateFile(file), file)
  if (content['format'] !== secretFormat) throw malformed(`${file}: expected the format ${secretFormat}`, remedy)
  if (content['party'] !== shown.party) {
    throw new TallyError('identity/wrong-key', 'self', `expected the secrets of party ${shown.party} in ${file}`, {
      remedy: `put ${publicFile} and ${secretFile} of the same party into the folder`,
    })
  }
  const box = content['box'] as Record<string, Json> | undefined
  if (box !== undefined && passphrase === undefined) {
    throw new TallyError('identity/wrong-key', 'self', `${file} is sealed with a passphrase`, {
      remedy: 'enter the passphrase that was set when the identity was made',
    })
  }
  const secrets = box === undefined ? content['secrets'] : unseal(box, passphrase!, shown.party, file)
  const { signerKey, tlsKey, storageKey, partySecret } = (secrets ?? {}) as Record<string, Json>
  try {
    const key = fromHex(signerKey as string, 32)
    const spki = createPrivateKey(tlsKey as string)
    const certificate = new X509Certificate(shown.certificate)
    if (addressOf(key) !== shown.signer || !certificate.checkPrivateKey(spki)) throw new Error('another key')
    return {
      ...shown,
      signerKey: Secret.of(key),
      tlsKey: Secret.of(tlsKey as string),
      storageKey: Secret.of(fromHex(storageKey as string, 32)),
      partySecret: Secret.of(fromHex(partySecret as string, 32)),
    }
  } catch (cause) {
    // No cause in the message: it could quote a key.
    throw malformed(
      `${file}: expected the keys of ${publicFile}`,
      remedy,
      cause instanceof TallyError ? cause : undefined,
    )
  }
}
