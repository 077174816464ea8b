/** A page that asks: a form, and a worker that has everything else. The id goes from the form to the worker only. */
import { wrap, type Remote } from 'comlink'
import type { Client } from './client.ts'

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const client: Remote<Client> = wrap<Client>(worker)
const element = <T extends Element>(selector: string): T => document.querySelector<T>(selector)!
const show = (selector: string, text: string): void => void (element(selector).textContent = text)

const form = element<HTMLFormElement>('form')
const button = element<HTMLButtonElement>('button')

const ready = async (): Promise<void> => {
  show('#phase', `${await client.prepare()} queries are prepared`)
  button.disabled = false
}

const ask = async (): Promise<void> => {
  button.disabled = true
  show('#phase', 'asking')
  show('#answer', '')
  const answer = await client.ask(String(new FormData(form).get('id')), location.hash.slice(1))
  show('#answer', JSON.stringify(answer))
  show('#phase', `answered in ${answer.milliseconds.toFixed(0)} ms`)
  button.disabled = false
}

const failed = (error: unknown): void => show('#phase', `failed: ${String(error)}`)
form.addEventListener('submit', (event) => {
  event.preventDefault()
  ask().catch(failed)
})
// The address of the asker, which the terms name, is for whoever writes them.
client
  .load(new URL('table/', location.href).href)
  .then((address) => (document.body.dataset['address'] = address))
  .then(ready)
  .catch(failed)
