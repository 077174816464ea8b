/**
 * Keys on the disk of their owner, and what has been done with them, for every process that opens them:
 *
 *     keys.sealed     secrets and seeds, AES-256-GCM under a key that HKDF-SHA256 (RFC 5869) derives from the caller's
 *     encrypted       there once a table is encrypted under them: two would tell their difference
 *     released-1 …    one for each approximate result that was decrypted to be handed on
 *
 * A marker is a file that only one process can create (O_EXCL), synced with its folder before ciphertexts are made or a
 * result is decrypted: a crash in between costs an answer, never a limit. Limits hold for one folder: whoever copies it, or
 * puts an old copy back, has two of each, and should make new keys instead. A key serves one table, so that a new table is
 * a new folder; that is how keys are rotated, and `discardKeys` takes the old ones away.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  canonicalBytes,
  decodeValue,
  encodeValue,
  equalBytes,
  taggedDigest,
  TallyError,
  type Rng,
} from '@tallystick/core'
import { contextOf } from '../frames.ts'
import { ground } from '../operators/ground.ts'
import { publishKeys, type RingKeys } from '../operators/keys.ts'
import type { Plan } from '../plan/index.ts'
import { createKeys, runIn, type KeyLedger, type Keys, type Runner } from './operators.ts'

const nonceBytes = 12
const tagBytes = 16
const fileOf = (folder: string): string => join(folder, 'keys.sealed')

/** What keys are for; others than these would make wrong results, or count releases against another flood. */
const digestOf = ({ program, scheme, releases, rings, targets }: Plan): Uint8Array => {
  const moduli = rings.map(({ degree, moduli: primes, plainModulus }) => [
    degree,
    `${plainModulus}`,
    ...Array.from(primes, String),
  ])
  const bound = { program, scheme, releases, moduli, targets: [...targets] }
  return taggedDigest('tallystick/homomorphic/keys/v1', canonicalBytes(bound))
}

const storageKey = (key: Uint8Array): Uint8Array => {
  if (key.length !== 32)
    throw new TallyError('api/misuse', 'self', `expected a storage key of 32 bytes, found ${key.length}`)
  return new Uint8Array(hkdfSync('sha256', key, '', 'tallystick/homomorphic/keys/v1', 32))
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | null)?.code

/** False where there is such a file. It is on the disk, under its name, when this resolves. */
const createNew = async (folder: string, name: string, bytes: Uint8Array): Promise<boolean> => {
  const file = await open(join(folder, name), 'wx', 0o600).catch((error: unknown) => {
    if (codeOf(error) === 'EEXIST') return undefined
    throw error
  })
  if (file === undefined) return false
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  if (process.platform === 'win32') return true
  const entries = await open(folder, 'r')
  try {
    await entries.sync()
  } finally {
    await entries.close()
  }
  return true
}

/** What was done with the keys of a folder, by any process. */
export const keyLedger = (folder: string): KeyLedger => ({
  encrypt: () => createNew(folder, 'encrypted', new Uint8Array()),
  async release(most) {
    for (let i = 1; i <= most; i++) if (await createNew(folder, `released-${i}`, new Uint8Array())) return true
    return false
  },
})

const sealed = (secret: readonly RingKeys[], plan: Plan, key: Uint8Array): Uint8Array => {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', storageKey(key), nonce)
  const digest = digestOf(plan)
  cipher.setAAD(digest)
  const rings = secret.map(({ owner, switching }) => ({ owner: { ...owner }, switching: { ...switching } }))
  return Buffer.concat([digest, nonce, cipher.update(encodeValue(rings)), cipher.final(), cipher.getAuthTag()])
}

const opened = (bytes: Uint8Array, plan: Plan, key: Uint8Array, file: string): readonly RingKeys[] => {
  const digest = digestOf(plan)
  if (!equalBytes(bytes.subarray(0, digest.length), digest)) {
    throw new TallyError('api/misuse', 'self', `${file} has the keys of another plan`, {
      remedy: 'open it with the plan that the keys were made for: same program, precision and releases',
    })
  }
  const [nonce, box] = [
    bytes.subarray(digest.length, digest.length + nonceBytes),
    bytes.subarray(digest.length + nonceBytes),
  ]
  const decipher = createDecipheriv('aes-256-gcm', storageKey(key), nonce, { authTagLength: tagBytes })
  decipher.setAAD(digest)
  let plain: Uint8Array
  try {
    decipher.setAuthTag(box.subarray(-tagBytes))
    plain = Uint8Array.from(Buffer.concat([decipher.update(box.subarray(0, -tagBytes)), decipher.final()]))
  } catch (cause) {
    throw new TallyError('identity/wrong-key', 'self', `${file} does not open with this storage key, or is damaged`, {
      remedy: 'use the storage key that the keys were made with; restore nothing from a copy, make new keys instead',
      cause,
    })
  }
  const rings = decodeValue(plain) as unknown as readonly Pick<RingKeys, 'owner' | 'switching'>[]
  return rings.map((own, i) => ({ ...own, context: contextOf(plan.rings[i]!, own.owner.publicSeed) }))
}

/**
 * Keys as {@link createKeys} makes them, and kept in a new folder.
 * @param storage 32 bytes that open them again; whoever has them and the folder can decrypt
 * @throws TallyError identity/exists where the folder has keys
 */
export const createStoredKeys = async (
  folder: string,
  storage: Uint8Array,
  plan: Plan,
  rng: Rng,
  pool: Runner,
): Promise<Keys> => {
  const keys = await createKeys(plan, rng, pool)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (!(await createNew(folder, 'keys.sealed', sealed(keys.secret, plan, storage)))) {
    throw new TallyError('identity/exists', 'self', `expected no keys in ${folder}, found some`, {
      remedy: 'make keys of another table in another folder',
    })
  }
  return { ...keys, ledger: keyLedger(folder) }
}

/**
 * The same keys in another process, or later. Published frames are made again from the seeds, byte for byte.
 * @throws TallyError identity/not-found; identity/wrong-key; api/misuse for the keys of another plan
 */
export const openStoredKeys = async (folder: string, storage: Uint8Array, plan: Plan, pool: Runner): Promise<Keys> => {
  const file = fileOf(folder)
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new TallyError('identity/not-found', 'self', `expected keys at ${file}`, {
      remedy: 'name the folder that the keys were made in',
      cause,
    })
  })
  const secret = opened(bytes, plan, storage, file)
  const published: (readonly Uint8Array[])[] = []
  for (const [i, ring] of plan.rings.entries()) {
    published.push(await runIn(pool, publishKeys(ground, ring, plan.targets, secret[i]!)))
  }
  return { secret, published, ledger: keyLedger(folder) }
}

/** Takes the keys of a folder away; what was encrypted under them cannot be read any more. Disks may keep traces. */
export const discardKeys = (folder: string): Promise<void> => rm(fileOf(folder), { force: true })
