/**
 * Programs over ciphertexts on Microsoft SEAL (node-seal), residue for residue what the reference kernel gives. SEAL gets
 * only bytes that `format.ts` wrote from residues; what a caller brings is checked before (`ciphertext.ts`).
 */
import { TallyError } from '@tallystick/core'
import {
  rlweConstantOf,
  type Instruction,
  type RingCiphertext,
  type RingPlaintext,
  type RlweEvaluateInput,
  type SwitchKeys,
} from '@tallystick/kernels'
import type { Engine } from '@tallystick/protocol'
import {
  initialize,
  type Ciphertext,
  type GaloisKeys,
  type MainModule,
  type Plaintext,
  type RelinKeys,
} from 'node-seal/allows'
import {
  ciphertextInPlace,
  ciphertextPieces,
  createScratch,
  identityBytes,
  plaintextBytes,
  readCiphertext,
  switchKeysBytes,
} from './format.ts'

type Parameters = Pick<RlweEvaluateInput, 'degree' | 'moduli' | 'plainModulus'>

const misuse = (message: string): TallyError =>
  new TallyError('api/misuse', 'self', `rlwe/evaluate on SEAL: ${message}`)

const bytesOf = ({ buffer, byteOffset, byteLength }: BigUint64Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength).slice()

/** What is loaded once for a set of parameters. It lives as long as the engine: a thread works with few of them. */
const createContext = (seal: MainModule, { degree, moduli, plainModulus }: Parameters) => {
  const parameters = new seal.EncryptionParameters(plainModulus === 0n ? seal.SchemeType.ckks : seal.SchemeType.bgv)
  parameters.setPolyModulusDegree(degree)
  parameters.setCoeffModulus(seal.vecFromArrayModulus(Array.from(moduli, (q) => new seal.Modulus(q))))
  if (plainModulus !== 0n) parameters.setPlainModulus(new seal.Modulus(plainModulus))
  const context = new seal.SEALContext(parameters, true, seal.SecLevelType.tc128)
  if (!context.parametersSet()) throw misuse('these parameters have less than 128 bits of security, or do not batch')
  const identities: Uint8Array[] = []
  for (let data = context.firstContextData(); ; data = data.nextContextData()) {
    identities.push(bytesOf(data.parmsId().values() as BigUint64Array))
    if (data.chainIndex() === 0) break
  }
  return {
    context,
    evaluator: new seal.Evaluator(context),
    /** By the number of primes left. */
    identity: (level: number): Uint8Array =>
      identities[moduli.length - 1 - level] ?? raise(`there is no level ${level}`),
    keyIdentity: bytesOf(context.keyParmsId().values() as BigUint64Array),
  }
}

type Context = ReturnType<typeof createContext>

const raise = (message: string): never => {
  throw misuse(message)
}

interface LoadedKeys {
  readonly relinearise: RelinKeys | undefined
  readonly galois: GaloisKeys
}

const loadKeys = (seal: MainModule, on: Context, { degree, moduli }: Parameters, keys: SwitchKeys): LoadedKeys => {
  const digits = moduli.length - 1
  const width = moduli.length * degree
  const rowOf = (target: number) =>
    Array.from({ length: digits }, (_, digit) => {
      const at = (target * digits + digit) * width
      const residues = new BigUint64Array(2 * width)
      residues.set(keys.first.subarray(at, at + width))
      residues.set(keys.second.subarray(at, at + width), width)
      const fixed = { size: 2, scale: 1, correction: 1n, level: moduli.length }
      return { ...fixed, identity: on.keyIdentity, degree, residues }
    })
  const rows = new Map<number, ReturnType<typeof rowOf>>()
  let relinearise: RelinKeys | undefined
  keys.targets.forEach((target, i) => {
    if (target !== 0) return rows.set((target - 1) >> 1, rowOf(i))
    relinearise = new seal.RelinKeys()
    relinearise.loadFromArray(on.context, switchKeysBytes(on.keyIdentity, 1, new Map([[0, rowOf(i)]])))
    return undefined
  })
  const galois = new seal.GaloisKeys()
  galois.loadFromArray(on.context, switchKeysBytes(on.keyIdentity, degree, rows))
  return { relinearise, galois }
}

/** Keys of this many jobs stay loaded; a set is some MB. */
const keptKeys = 4
/** What SEAL says of wrong operands is misuse; anything else (memory, a trap) is thrown as it is, and this SEAL is done for. */
const told = (error: unknown): unknown => {
  const [kind, text] = ((error as { message?: unknown } | null)?.message ?? []) as readonly unknown[]
  const wrong = ['std::invalid_argument', 'std::logic_error', 'std::out_of_range'].includes(String(kind))
  return wrong ? misuse(String(text)) : error
}

/** So many sets of parameters. */
const keptContexts = 8

/** The known entry of a name, or a new one, as the youngest of at most `most`; older ones are given up. */
const kept = <T>(cache: Map<string, T>, name: string, most: number, make: () => T, release: (old: T) => void): T => {
  const value = cache.get(name) ?? make()
  cache.delete(name)
  cache.set(name, value)
  for (const [key, old] of cache) {
    if (cache.size <= most) break
    cache.delete(key)
    release(old)
  }
  return value
}

/** Ciphertexts in this buffer have `headroomBytes` before their residues that may be written to. */
export interface Roomy {
  readonly arena?: SharedArrayBuffer
}

/** An engine of one thread. */
const createRunner = (seal: MainModule) => {
  const contexts = new Map<string, Context>()
  const loaded = new Map<string, LoadedKeys>()
  const scratch = createScratch()

  const nameOf = ({ degree, moduli, plainModulus }: Parameters): string => `${degree}/${moduli.join()}/${plainModulus}`
  const contextOf = (parameters: Parameters): Context =>
    kept(
      ...([contexts, nameOf(parameters), keptContexts] as const),
      () => createContext(seal, parameters),
      ({ evaluator, context }) => {
        evaluator.delete()
        context.delete()
      },
    )
  const keysOf = (on: Context, parameters: Parameters, keys: SwitchKeys): LoadedKeys =>
    kept(
      ...([loaded, `${nameOf(parameters)}/${keys.id}`, keptKeys] as const),
      () => loadKeys(seal, on, parameters, keys),
      ({ relinearise, galois }) => {
        relinearise?.delete()
        galois.delete()
      },
    )

  return (input: RlweEvaluateInput & Roomy): readonly RingCiphertext[] => {
    const { degree, plainModulus } = input
    const on = contextOf(input)
    const { evaluator, context } = on
    const keys = input.keys.targets.length === 0 ? undefined : keysOf(on, input, input.keys)
    const registers: (Ciphertext | undefined)[] = []
    const plains = new Map<string, Plaintext>()
    /** What an instruction that fails has begun to make: nothing in SEAL's heap may be left behind. */
    const made: Ciphertext[] = []

    const load = ({ level, size, scale, correction, residues }: RingCiphertext): Ciphertext => {
      const out = new seal.Ciphertext()
      made.push(out)
      const identity = on.identity(level)
      const value = { identity, degree, level, size, scale, correction, residues }
      const roomy = input.arena !== undefined && residues.buffer === input.arena
      out.loadFromArray(context, roomy ? ciphertextInPlace(value) : scratch(ciphertextPieces(value)))
      made.pop()
      return out
    }
    const at = (register: number): Ciphertext => registers[register] ?? raise(`register ${register} is empty`)
    const put = (register: number, value: Ciphertext): void => {
      registers[register]?.delete()
      registers[register] = value
    }
    const plainAt = (index: number, level: number): Plaintext => {
      const plain: RingPlaintext = input.plains[index] ?? raise(`there is no plaintext ${index}`)
      const known = plains.get(`${index}/${level}`) ?? plains.get(`${index}`)
      if (known !== undefined) return known
      const transformed = plainModulus === 0n
      const key = transformed ? `${index}/${level}` : `${index}`
      const identity = transformed ? on.identity(level) : new Uint8Array(identityBytes)
      const residues = transformed ? plain.residues.subarray(0, level * degree) : plain.residues
      const out = new seal.Plaintext()
      out.loadFromArray(context, plaintextBytes(identity, plain.scale, residues))
      plains.set(key, out)
      return out
    }
    /** A factor; one that is the same in every slot is given in NTT form, which is the same number n times. */
    const factorAt = (index: number, level: number): Plaintext => {
      const scalar = rlweConstantOf(input.plains[index] ?? raise(`there is no plaintext ${index}`), plainModulus)
      const key = `${index}*${level}`
      if (scalar === undefined || plains.has(key)) return plains.get(key) ?? plainAt(index, level)
      const residues = new BigUint64Array(level * degree)
      input.moduli.subarray(0, level).forEach((q, i) => {
        residues.fill(((scalar % q) + q) % q, i * degree, (i + 1) * degree)
      })
      const out = new seal.Plaintext()
      plains.set(key, out)
      out.loadFromArray(context, plaintextBytes(on.identity(level), 1, residues))
      return out
    }
    const perform = (instruction: Instruction, out: Ciphertext): void => {
      const [name, , first, second] = instruction
      const a = at(first)
      switch (name) {
        case 'copy':
          out.assign(a)
          break
        case 'add':
          evaluator.add(a, at(second), out)
          break
        case 'subtract':
          evaluator.sub(a, at(second), out)
          break
        case 'multiply':
          if (first === second) evaluator.square(a, out)
          else evaluator.multiply(a, at(second), out)
          break
        case 'negate':
          evaluator.negate(a, out)
          break
        case 'relinearise':
          evaluator.relinearize(a, keys?.relinearise ?? raise('there is no key to relinearise with'), out)
          break
        case 'rescale':
          if (plainModulus === 0n) evaluator.rescaleToNext(a, out)
          else evaluator.cipherModSwitchToNext(a, out)
          break
        case 'rotate':
          evaluator.applyGalois(a, second, keys?.galois ?? raise('there are no keys to rotate with'), out)
          break
        case 'add-plain':
          evaluator.addPlain(a, plainAt(second, a.coeffModulusSize()), out)
          break
        default:
          evaluator.multiplyPlain(a, factorAt(second, a.coeffModulusSize()), out)
      }
    }
    try {
      input.inputs.forEach((ciphertext, i) => put(i, load(ciphertext)))
      for (const instruction of input.program) {
        const out = new seal.Ciphertext()
        made.push(out)
        perform(instruction, out)
        made.pop()
        put(instruction[1], out)
      }
      return input.outputs.map((register) => {
        const { degree: _, ...value } = readCiphertext(at(register).saveToArray(seal.ComprModeType.none) as Uint8Array)
        return value
      })
    } catch (error) {
      throw told(error)
    } finally {
      for (const register of [...registers, ...made]) register?.delete()
      for (const plain of plains.values()) plain.delete()
    }
  }
}

/** One SEAL for the calling thread: load it once. */
export const sealEngine = async (): Promise<Engine> => ({
  // Without a place of its own SEAL's module is found beside its script, by Node and by bundlers.
  'rlwe/evaluate': createRunner(await initialize({ locateFile: undefined } as object)),
})
