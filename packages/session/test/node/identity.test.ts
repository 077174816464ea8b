import { createHash, X509Certificate } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fromHex, TallyError, toHex } from '@tallystick/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { recoverSigner, eventDigest } from '../../src/events.ts'
import {
  createIdentity,
  loadIdentity,
  loadPublicIdentity,
  needsPassphrase,
  parsePublicIdentity,
  saveIdentity,
  signerOf,
} from '../../src/node/identity.ts'

let folder: string
beforeEach(() => {
  folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'tally-identity-')), 'party')
})
afterEach(() => fs.rmSync(path.dirname(folder), { recursive: true, force: true }))

const errorOf = (action: () => unknown): TallyError => {
  try {
    action()
  } catch (error) {
    if (error instanceof TallyError) return error
    throw error
  }
  throw new Error('expected an error')
}

test('is saved and loaded with the same keys, and never overwritten', async () => {
  const identity = await createIdentity('Bank A, "北京"')
  saveIdentity(folder, identity)
  const loaded = loadIdentity(folder)
  expect({ ...loaded }).toEqual({ ...identity })
  expect(loaded.signerKey.expose()).toEqual(identity.signerKey.expose())
  expect(loaded.tlsKey.expose()).toBe(identity.tlsKey.expose())
  expect(loaded.storageKey.expose()).toEqual(identity.storageKey.expose())
  expect(loaded.partySecret.expose()).toEqual(identity.partySecret.expose())
  expect(errorOf(() => saveIdentity(folder, identity)).code).toBe('identity/exists')
  expect(fs.statSync(path.join(folder, 'secret.json')).mode & 0o777).toBe(0o600)
})

test('shows partners nothing but public parts', async () => {
  const identity = await createIdentity('a')
  saveIdentity(folder, identity)
  const text = fs.readFileSync(path.join(folder, 'identity.json'), 'utf8')
  for (const secret of [identity.signerKey, identity.storageKey, identity.partySecret])
    expect(text).not.toContain(toHex(secret.expose()).slice(2))
  expect(text).not.toContain('PRIVATE')
  const shown = loadPublicIdentity(path.join(folder, 'identity.json'))
  const spki = new X509Certificate(shown.certificate).publicKey.export({ type: 'spki', format: 'der' })
  expect(shown.tls).toBe(`0x${createHash('sha256').update(spki).digest('hex')}`)
  expect(new X509Certificate(shown.certificate).subject).toBe('CN=Tallystick party')
})

test('signs as events are signed', async () => {
  const identity = await createIdentity('a')
  const domain = toHex(new Uint8Array(32))
  const event = { kind: 'Agreement', specHash: toHex(new Uint8Array(32).fill(1)) } as const
  const signer = signerOf(identity)
  const signature = toHex(await signer.sign(fromHex(eventDigest(domain, event))))
  expect(recoverSigner(domain, event, signature)).toBe(identity.signer)
  expect(signer.address).toBe(identity.signer)
})

test('opens with its passphrase only', async () => {
  const identity = await createIdentity('a')
  saveIdentity(folder, identity, 'correct horse')
  expect(fs.readFileSync(path.join(folder, 'secret.json'), 'utf8')).not.toContain('PRIVATE')
  expect(needsPassphrase(folder)).toBe(true)
  expect(loadIdentity(folder, 'correct horse').storageKey.expose()).toEqual(identity.storageKey.expose())
  expect(errorOf(() => loadIdentity(folder, 'wrong')).code).toBe('identity/wrong-key')
  expect(errorOf(() => loadIdentity(folder)).code).toBe('identity/wrong-key')
})

test('is refused where others may read its secrets, with the command that closes them', async () => {
  saveIdentity(folder, await createIdentity('a'))
  const file = path.join(folder, 'secret.json')
  for (const mode of [0o640, 0o604, 0o666]) {
    fs.chmodSync(file, mode)
    const error = errorOf(() => loadIdentity(folder))
    expect(error.code).toBe('identity/malformed')
    expect(error.remedy).toContain(`chmod 600 '${file}'`)
  }
})

test('is refused where any public field was changed, or is one of another party', async () => {
  const [a, b] = [await createIdentity('a'), await createIdentity('b')]
  saveIdentity(folder, a)
  const file = path.join(folder, 'identity.json')
  const content = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, string>
  for (const field of ['party', 'signer', 'tls', 'certificate', 'format'] as const) {
    const changed = { ...content, [field]: field === 'format' ? 'tallystick/identity/2' : b[field] }
    expect(errorOf(() => parsePublicIdentity(Buffer.from(JSON.stringify(changed)))).code).toBe('identity/malformed')
  }
  for (const changed of [
    { ...content, extra: '' },
    { name: 'a' },
    [],
    'x',
    { ...content, name: 'a\u001b[2J' },
    { ...content, tls: 1 },
  ])
    expect(errorOf(() => parsePublicIdentity(Buffer.from(JSON.stringify(changed)))).code).toBe('identity/malformed')
  expect(errorOf(() => parsePublicIdentity(Buffer.from('{'))).code).toBe('identity/malformed')
  const other = path.join(path.dirname(folder), 'other')
  saveIdentity(other, b)
  fs.copyFileSync(path.join(other, 'secret.json'), path.join(folder, 'secret.json'))
  expect(errorOf(() => loadIdentity(folder)).code).toBe('identity/wrong-key')
  const forged = { ...JSON.parse(fs.readFileSync(path.join(folder, 'secret.json'), 'utf8')), party: a.party }
  fs.writeFileSync(path.join(folder, 'secret.json'), JSON.stringify(forged))
  expect(errorOf(() => loadIdentity(folder)).code).toBe('identity/malformed')
})

test('that is not there is not found', () => {
  expect(errorOf(() => loadIdentity(folder)).code).toBe('identity/not-found')
  expect(errorOf(() => loadPublicIdentity(path.join(folder, 'identity.json'))).code).toBe('identity/not-found')
})

test('prints no secret', async () => {
  const identity = await createIdentity('a')
  expect(JSON.stringify(identity)).not.toContain(toHex(identity.signerKey.expose()).slice(2))
  expect(JSON.stringify(identity)).not.toContain('PRIVATE')
})
