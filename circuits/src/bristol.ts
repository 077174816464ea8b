/**
 * Bristol Fashion, read and written. The format (N. Smart, "Bristol Fashion" MPC circuits; extended with MAND):
 *
 *     gates wires
 *     number-of-input-values  bits of each
 *     number-of-output-values bits of each
 *     (inputs) (outputs) wires-in … wires-out … XOR | AND | INV | EQ | EQW | MAND     one line a gate
 *
 * Inputs are the first wires and outputs the last; gates stand in an order of evaluation; `1 1 b w EQ` sets wire w to the
 * bit b; MAND is n AND gates at once, `2n n a_1 … a_n b_1 … b_n out_1 … out_n MAND`: the format's own example is that
 * `4 2 0 2 1 3 4 5 MAND` stands for AND(0, 1) = 4 and AND(2, 3) = 5. Spaces, tabs, empty lines and CRLF do not matter;
 * everything else does.
 */
import { TallyError } from '@tallystick/core'
import { AND, EQ, gateNames, sum, XOR, type Circuit } from './circuit.ts'

/** The most that a file may ask for: 2 GB of arrays. */
const maxWires = 2 ** 27
/** Wires that a file may have whatever its length: inputs that no gate reads take no text. */
const spareWires = 2 ** 16

const malformed = (line: number, expected: string, found: string): TallyError =>
  new TallyError('input/malformed', 'self', `line ${line}: expected ${expected}, found ${found}`, {
    remedy: 'check that the file is complete and in Bristol Fashion; the older Bristol Format has other header lines',
  })

const quoted = (text: string): string => (text.length > 40 ? `"${text.slice(0, 40)}…"` : `"${text}"`)

/** Lines that hold anything, as their words. */
interface Line {
  readonly number: number
  readonly words: readonly string[]
}

function* linesOf(text: string): Generator<Line> {
  let number = 0
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at)
    const stop = end < 0 ? text.length : end
    number++
    const words = text.slice(at, stop).split(/[ \t\r]+/)
    const filled = words.filter((word) => word !== '')
    if (filled.length > 0) yield { number, words: filled }
    at = stop + 1
  }
  return number
}

const numberIn = ({ number, words }: Line, at: number, what: string, least: number, most: number): number => {
  const word = words[at]
  if (word === undefined) throw malformed(number, what, 'the end of the line')
  const value = /^(?:0|[1-9][0-9]{0,9})$/.test(word) ? Number(word) : -1
  if (value < least || value > most) throw malformed(number, `${what} from ${least} to ${most}`, quoted(word))
  return value
}

const widthsIn = (line: Line, what: string): readonly number[] => {
  const count = numberIn(line, 0, `a number of ${what} values`, 1, maxWires)
  if (line.words.length !== count + 1) {
    throw malformed(line.number, `${count} widths of ${what} values`, `${line.words.length - 1}`)
  }
  return Array.from({ length: count }, (_, i) => numberIn(line, i + 1, `a width of ${what} value ${i}`, 1, maxWires))
}

interface Header {
  readonly gates: number
  readonly wires: number
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
}

/** Before anything of their size is made: a wire that is assigned or read is a word of the file, and a gate a line. */
const requireText = (line: Line, gates: number, wires: number, length: number): void => {
  if (gates > length) throw malformed(line.number, `no more gates than the file has characters, ${length}`, `${gates}`)
  const most = spareWires + length
  if (wires <= most) return
  throw malformed(line.number, `at most ${most} wires in a file of ${length} characters`, `${wires}`)
}

const headerIn = (next: (expected: string) => Line, length: number): Header => {
  const first = next('a line with the number of gates and of wires')
  if (first.words.length !== 2) {
    throw malformed(first.number, 'the number of gates and of wires', quoted(first.words.join(' ')))
  }
  const gates = numberIn(first, 0, 'a number of gates', 0, maxWires)
  const wires = numberIn(first, 1, 'a number of wires', 1, maxWires)
  requireText(first, gates, wires, length)
  const inputs = widthsIn(next('a line with the widths of the input values'), 'input')
  const outputLine = next('a line with the widths of the output values')
  const outputs = widthsIn(outputLine, 'output')
  if (sum(inputs) + sum(outputs) > wires) {
    const found = `${sum(inputs)} for inputs and ${sum(outputs)} for outputs`
    throw malformed(outputLine.number, `at most ${wires} wires in all, as the first line says`, found)
  }
  return { gates, wires, inputs, outputs }
}

/** Gates as they are read: a MAND gives several. */
const collector = ({ inputs, wires }: Header) => {
  const columns: [kinds: number[], left: number[], right: number[], out: number[]] = [[], [], [], []]
  const assigned = new Uint8Array(wires).fill(1, 0, sum(inputs))
  const read = (line: Line, at: number): number => {
    const wire = numberIn(line, at, 'a wire', 0, wires - 1)
    if (assigned[wire] === 0) throw malformed(line.number, 'a wire that was assigned before', `wire ${wire}`)
    return wire
  }
  const write = (line: Line, at: number): number => {
    const wire = numberIn(line, at, 'a wire', 0, wires - 1)
    if (assigned[wire] === 1) throw malformed(line.number, 'a wire without a value', `wire ${wire}, which has one`)
    assigned[wire] = 1
    return wire
  }
  const add = (kind: number, a: number, b: number, out: number): void =>
    [kind, a, b, out].forEach((value, i) => columns[i]!.push(value))
  const mand = (line: Line, pairs: number): void => {
    const operands = Array.from({ length: 2 * pairs }, (_, i) => read(line, 2 + i))
    for (let i = 0; i < pairs; i++) add(AND, operands[i]!, operands[pairs + i]!, write(line, 2 + 2 * pairs + i))
  }
  const gate = (line: Line): void => {
    const name = line.words[line.words.length - 1]!
    const kind = gateNames.findIndex((known) => known === name)
    if (kind < 0 && name !== 'MAND')
      throw malformed(line.number, `a gate ${gateNames.join(', ')} or MAND`, quoted(name))
    const ins = numberIn(line, 0, 'a number of operands', 1, maxWires)
    const outs = numberIn(line, 1, 'a number of results', 1, maxWires)
    const wanted = kind < 0 ? [2 * outs, outs] : [kind === XOR || kind === AND ? 2 : 1, 1]
    if (ins !== wanted[0] || outs !== wanted[1]) {
      throw malformed(line.number, `${wanted[0]} operands and ${wanted[1]} results for ${name}`, `${ins} and ${outs}`)
    }
    if (line.words.length !== 3 + ins + outs) {
      throw malformed(line.number, `${3 + ins + outs} words for ${name}`, `${line.words.length}`)
    }
    if (kind < 0) return mand(line, outs)
    const a = kind === EQ ? numberIn(line, 2, 'a constant', 0, 1) : read(line, 2)
    const b = ins === 2 ? read(line, 3) : 0
    add(kind, a, b, write(line, 2 + ins))
  }
  return { columns, assigned, gate }
}

/** @throws TallyError input/malformed that names the line, what was expected there and what was found. */
export const readBristol = (text: string): Circuit => {
  const lines = linesOf(text)
  let last = 0
  const next = (expected: string): Line => {
    const step = lines.next()
    if (step.done === true) throw malformed(last + 1, expected, 'the end of the file')
    last = step.value.number
    return step.value
  }
  const header = headerIn(next, text.length)
  const { columns, assigned, gate } = collector(header)
  for (let i = 0; i < header.gates; i++) gate(next(`gate ${i + 1} of ${header.gates}`))
  const more = lines.next()
  if (more.done !== true) {
    throw malformed(more.value.number, `the end after ${header.gates} gates`, quoted(more.value.words.join(' ')))
  }
  const missing = assigned.indexOf(0, header.wires - sum(header.outputs))
  if (missing >= 0) throw malformed(last, 'a value for every output', `none for wire ${missing}`)
  const [kinds, left, right, out] = columns
  return {
    inputs: header.inputs,
    outputs: header.outputs,
    wires: header.wires,
    kinds: Uint8Array.from(kinds),
    left: Uint32Array.from(left),
    right: Uint32Array.from(right),
    out: Uint32Array.from(out),
  }
}

/** One line a gate, without MAND: what every reader of the format understands. */
export const writeBristol = ({ inputs, outputs, wires, kinds, left, right, out }: Circuit): string => {
  const widths = (list: readonly number[]): string => [list.length, ...list].join(' ')
  const lines = [`${kinds.length} ${wires}`, widths(inputs), widths(outputs), '']
  kinds.forEach((kind, i) => {
    const name = gateNames[kind]
    lines.push(
      kind === XOR || kind === AND
        ? `2 1 ${left[i]} ${right[i]} ${out[i]} ${name}`
        : `1 1 ${left[i]} ${out[i]} ${name}`,
    )
  })
  return `${lines.join('\n')}\n`
}
