/** A value that refuses to be printed, logged or serialised by accident. */
export class Secret<T> {
  readonly #value: T

  private constructor(value: T) {
    this.#value = value
  }

  static of<T>(value: T): Secret<T> {
    return new Secret(value)
  }

  /** The only way to the value; each call is a place that a reviewer looks at. */
  expose(): T {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  /** What `console.log` and `util.inspect` of Node print. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}

/** Overwrites key material. The engine may have copied it before: best effort, said so in SECURITY.md. */
export const wipe = (...buffers: readonly Uint8Array[]): void => {
  for (const buffer of buffers) buffer.fill(0)
}
