/** Plaintext operands of a program in SEAL, each from its first use to its last. */
import { rlweConstantOf, type RingPlaintext, type RlweEvaluateInput } from '@tallystick/kernels'
import type { MainModule, Plaintext } from 'node-seal/allows'
import { identityBytes, plaintextPieces, type Scratch } from './format.ts'
import { misuse, takesPlain, type Loader } from './registers.ts'

export type Plains = ReturnType<typeof createPlains>

export const createPlains = (
  seal: MainModule,
  { context, identity }: Loader,
  { program, plains, degree, moduli, plainModulus }: RlweEvaluateInput,
  scratch: Scratch,
) => {
  /** By operand, its forms: of CKKS one a level, of BGV its coefficients, or a factor in NTT form. */
  const forms = new Map<number, Map<string, Plaintext>>()
  const last = new Map<number, number>()
  for (const [i, instruction] of program.entries()) if (takesPlain(instruction)) last.set(instruction[3]!, i)

  const operand = (index: number): RingPlaintext => plains[index] ?? misuse(`there is no plaintext ${index}`)
  const loaded = (index: number, form: string, parms: Uint8Array, make: () => RingPlaintext): Plaintext => {
    const own = forms.get(index) ?? new Map<string, Plaintext>()
    forms.set(index, own)
    const known = own.get(form)
    if (known !== undefined) return known
    const out = new seal.Plaintext()
    own.set(form, out)
    const { scale, residues } = make()
    out.loadFromArray(context, scratch(plaintextPieces(parms, scale, residues)))
    return out
  }
  const release = (index: number): void => {
    for (const plain of forms.get(index)?.values() ?? []) plain.delete()
    forms.delete(index)
  }
  const summand = (index: number, level: number): Plaintext => {
    const plain = operand(index)
    if (plainModulus !== 0n) return loaded(index, '', new Uint8Array(identityBytes), () => plain)
    const residues = plain.residues.subarray(0, level * degree)
    return loaded(index, `${level}`, identity(level), () => ({ ...plain, residues }))
  }
  return {
    summand,
    /** A factor; one that is the same in every slot is given in NTT form, which is the same number n times. */
    factor(index: number, level: number): Plaintext {
      const scalar = rlweConstantOf(operand(index), plainModulus)
      if (scalar === undefined) return summand(index, level)
      return loaded(index, `*${level}`, identity(level), () => {
        const residues = new BigUint64Array(level * degree)
        for (let i = 0; i < level; i++) {
          const q = moduli[i]!
          residues.fill(((scalar % q) + q) % q, i * degree, (i + 1) * degree)
        }
        return { scale: 1, residues }
      })
    },
    /** Instruction `i` has read it. */
    used(index: number, i: number): void {
      if (last.get(index) === i) release(index)
    },
    release(): void {
      for (const index of forms.keys()) release(index)
    },
  }
}
