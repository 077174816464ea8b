/**
 * Programs over ciphertexts on Microsoft SEAL (node-seal), residue for residue what the reference kernel gives. SEAL gets
 * only bytes that `format.ts` wrote from residues; what a caller brings is checked before (`ciphertext.ts`).
 */
import { TallyError } from '@tallystick/core'
import type { Instruction, RingCiphertext, RlweEvaluateInput, SwitchKeys } from '@tallystick/kernels'
import type { Engine } from '@tallystick/protocol'
import { initialize, type Ciphertext, type GaloisKeys, type MainModule, type RelinKeys } from 'node-seal/allows'
import { createScratch, switchKeysBytes } from './format.ts'
import { createPlains, type Plains } from './plains.ts'
import { createRegisters, misuse, takesPlain, type Roomy } from './registers.ts'

type Parameters = Pick<RlweEvaluateInput, 'degree' | 'moduli' | 'plainModulus'>

const bytesOf = ({ buffer, byteOffset, byteLength }: BigUint64Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength).slice()

/** What is loaded once for a set of parameters. It lives as long as the engine: a thread works with few of them. */
const createContext = (seal: MainModule, { degree, moduli, plainModulus }: Parameters) => {
  const parameters = new seal.EncryptionParameters(plainModulus === 0n ? seal.SchemeType.ckks : seal.SchemeType.bgv)
  parameters.setPolyModulusDegree(degree)
  parameters.setCoeffModulus(seal.vecFromArrayModulus(Array.from(moduli, (q) => new seal.Modulus(q))))
  if (plainModulus !== 0n) parameters.setPlainModulus(new seal.Modulus(plainModulus))
  const context = new seal.SEALContext(parameters, true, seal.SecLevelType.tc128)
  if (!context.parametersSet()) misuse('these parameters have less than 128 bits of security, or do not batch')
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
      identities[moduli.length - 1 - level] ?? misuse(`there is no level ${level}`),
    keyIdentity: bytesOf(context.keyParmsId().values() as BigUint64Array),
  }
}

type Context = ReturnType<typeof createContext>

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
  return wrong ? new TallyError('api/misuse', 'self', `rlwe/evaluate on SEAL: ${String(text)}`) : error
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

/** What an instruction makes of `a`, in place. */
const performerOf =
  (evaluator: Context['evaluator'], keys: LoadedKeys | undefined, plains: Plains, approximate: boolean) =>
  ([name, , first, second]: Instruction, a: Ciphertext, b: Ciphertext | undefined): void => {
    switch (name) {
      case 'copy':
        break
      case 'add':
        evaluator.addInplace(a, b!)
        break
      case 'subtract':
        evaluator.subInplace(a, b!)
        break
      case 'multiply':
        if (first === second) evaluator.squareInplace(a)
        else evaluator.multiplyInplace(a, b!)
        break
      case 'negate':
        evaluator.negateInplace(a)
        break
      case 'relinearise':
        evaluator.relinearizeInplace(a, keys?.relinearise ?? misuse('there is no key to relinearise with'))
        break
      case 'rescale':
        if (approximate) evaluator.rescaleToNextInplace(a)
        else evaluator.cipherModSwitchToNextInplace(a)
        break
      case 'rotate':
        evaluator.applyGaloisInplace(a, second, keys?.galois ?? misuse('there are no keys to rotate with'))
        break
      case 'add-plain':
        evaluator.addPlainInplace(a, plains.summand(second, a.coeffModulusSize()))
        break
      default:
        evaluator.multiplyPlainInplace(a, plains.factor(second, a.coeffModulusSize()))
    }
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
    const on = contextOf(input)
    const keys = input.keys.targets.length === 0 ? undefined : keysOf(on, input, input.keys)
    const registers = createRegisters(seal, on, input, scratch)
    const plains = createPlains(seal, on, input, scratch)
    const perform = performerOf(on.evaluator, keys, plains, input.plainModulus === 0n)
    try {
      for (const [i, instruction] of input.program.entries()) {
        registers.step(i, instruction, (target, other) => perform(instruction, target, other))
        if (takesPlain(instruction)) plains.used(instruction[3]!, i)
      }
      return registers.outputs()
    } catch (error) {
      throw told(error)
    } finally {
      registers.release()
      plains.release()
    }
  }
}

/** One SEAL for the calling thread: load it once. */
export const sealEngine = async (): Promise<Engine> => ({
  // Without a place of its own SEAL's module is found beside its script, by Node and by bundlers.
  'rlwe/evaluate': createRunner(await initialize({ locateFile: undefined } as object)),
})
