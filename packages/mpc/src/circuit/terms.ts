/** What terms say about a circuit that a session runs, and what a party brings to it and takes from it. */
import { libraryCircuit, readBristol, scheduleOf, statistics } from '@tallystick/circuits'
import type { Aim, Circuit, Schedule } from '@tallystick/circuits'
import { TallyError } from '@tallystick/core'

/** A circuit of the library by name (see `libraryNames` of the circuits package), or any in Bristol Fashion as text. */
export type CircuitTerms = { readonly library: string; readonly aim: Aim } | { readonly bristol: string }

/** Public parameters of the protocols that run circuits. */
export interface CircuitParameters {
  readonly circuit: CircuitTerms
  /** The role that brings each input value, in their order. */
  readonly owners: readonly string[]
  /** Rows by role, of the roles that bring a value: for all of them the number of instances. */
  readonly sizes: Readonly<Record<string, number>>
  /** Who learns the outputs: one role, or every one ("both" of two roles, "all" of more). */
  readonly to: string
}

/** One row an instance: the bytes of the party's values one after the other, ⌈width / 8⌉ each, least bits first. */
export interface CircuitInput {
  readonly rows: Uint8Array
}

export type CircuitOutput =
  /** One row an instance: the bytes of all output values one after the other, as in {@link CircuitInput}. */
  { readonly kind: 'values'; readonly rows: Uint8Array } | { readonly kind: 'none' }

export interface Prepared {
  readonly circuit: Circuit
  readonly schedule: Schedule
}

/** 16 MiB of text. */
const maxText = 2 ** 24
const maxInstances = 2 ** 22
const maxGateInstances = 2 ** 36

const prepare = (terms: CircuitTerms): Prepared => {
  const circuit = 'library' in terms ? libraryCircuit(terms.library, terms.aim) : readBristol(terms.bristol)
  return { circuit, schedule: scheduleOf(circuit) }
}

/** A party asks for the circuit of its terms again and again; it is made once. */
const recent = new Map<string, Prepared>()
export const circuitOfTerms = (terms: CircuitTerms): Prepared => {
  const key = 'library' in terms ? `${terms.library} ${terms.aim}` : `\n${terms.bristol}`
  const known = recent.get(key)
  if (known !== undefined) return known
  const made = prepare(terms)
  if (recent.size >= 16) recent.clear()
  recent.set(key, made)
  return made
}

const fieldsOf = (value: unknown, known: readonly string[]): Readonly<Record<string, unknown>> | undefined => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.keys(value).every((key) => known.includes(key)) ? (value as Record<string, unknown>) : undefined
}

const circuitIn = (value: unknown): CircuitTerms | undefined => {
  const named = fieldsOf(value, ['library', 'aim'])
  const aim = named?.['aim'] ?? 'depth'
  if (typeof named?.['library'] === 'string' && (aim === 'size' || aim === 'depth')) {
    return { library: named['library'], aim }
  }
  const text = fieldsOf(value, ['bristol'])?.['bristol']
  return typeof text === 'string' && text.length <= maxText ? { bristol: text } : undefined
}

const isList = (value: unknown, roles: readonly string[]): value is readonly string[] =>
  Array.isArray(value) && value.every((role) => roles.includes(role as string))

/** Values that a role brings, in order. */
export const ownedBy = ({ owners }: Pick<CircuitParameters, 'owners'>, role: string): readonly number[] =>
  owners.flatMap((owner, i) => (owner === role ? [i] : []))

export const bytesOf = (width: number): number => Math.ceil(width / 8)

/** Bytes of a row that a role brings. */
export const rowBytesOf = (parameters: CircuitParameters, role: string): number => {
  const { circuit } = circuitOfTerms(parameters.circuit)
  return ownedBy(parameters, role).reduce((sum, i) => sum + bytesOf(circuit.inputs[i]!), 0)
}

export const instancesOf = ({ sizes }: CircuitParameters): number => Math.max(...Object.values(sizes))

const everyoneOf = (roles: readonly string[]): string => (roles.length === 2 ? 'both' : 'all')

/** Whether a role learns the outputs. */
export const learns = ({ to }: CircuitParameters, role: string): boolean => to === 'both' || to === 'all' || to === role

/** @throws TallyError terms/malformed for anything that a protocol of these roles cannot run. */
export const parseCircuitParameters =
  (id: string, roles: readonly string[]) =>
  (value: unknown): CircuitParameters => {
    const malformed = (message: string, cause?: unknown): TallyError =>
      new TallyError('terms/malformed', 'self', `${id} parameters: ${message}`, {
        remedy: 'make new terms: circuit { library, aim } or { bristol }, owners, sizes and to, and nothing else',
        cause,
      })
    const all = fieldsOf(value, ['circuit', 'owners', 'sizes', 'to'])
    if (all === undefined) throw malformed('expected circuit, owners, sizes and to, and nothing else')
    const { owners, to } = all as { owners: unknown; to: unknown }
    const circuit = circuitIn(all['circuit'])
    if (circuit === undefined) throw malformed('expected circuit to be { library, aim } or { bristol }')
    if (!isList(owners, roles)) throw malformed(`expected owners to be a list of ${roles.join(', ')}`)
    const receivers = [...roles, everyoneOf(roles)]
    if (typeof to !== 'string' || !receivers.includes(to)) throw malformed(`expected to to be ${receivers.join(', ')}`)
    let prepared: Prepared
    try {
      prepared = circuitOfTerms(circuit)
    } catch (error) {
      throw malformed(`circuit: ${error instanceof TallyError ? error.message : 'cannot be read'}`, error)
    }
    if (owners.length !== prepared.circuit.inputs.length) {
      throw malformed(`expected ${prepared.circuit.inputs.length} owners, one an input value, found ${owners.length}`)
    }
    const sizes = fieldsOf(all['sizes'], roles)
    const instances = Math.max(0, ...Object.values(sizes ?? {}).map(Number))
    const right = roles.every((role) => sizes?.[role] === (owners.includes(role) ? instances : undefined))
    if (!right || !Number.isInteger(instances) || instances < 1 || instances > maxInstances) {
      throw malformed(`expected sizes to give one number from 1 to ${maxInstances} for the owners, and none for others`)
    }
    if (statistics(prepared.circuit).gates * instances > maxGateInstances) {
      throw malformed(`expected at most ${maxGateInstances} gates over all instances`)
    }
    return { circuit, owners, sizes: sizes as Readonly<Record<string, number>>, to }
  }

/** @throws TallyError input/malformed unless the rows are as many and as long as the terms say. */
export const checkCircuitInput = ({ rows }: CircuitInput, parameters: CircuitParameters, role: string): void => {
  const expected = rowBytesOf(parameters, role) * (parameters.sizes[role] ?? 0)
  if (rows.length === expected) return
  const message = `expected ${parameters.sizes[role] ?? 0} rows of ${rowBytesOf(parameters, role)} bytes`
  throw new TallyError('input/malformed', 'self', `${message}, found ${rows.length} bytes in all`, {
    remedy: 'bring one row an instance, of the bytes of your values one after the other',
  })
}
