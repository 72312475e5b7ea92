/**
 * A client of Billhook's API, in one file, for any runtime with fetch, with nothing to install.
 *
 * Written by `make clients` from the OpenAPI description; do not edit. Copy it into your product.
 */

/** The API refused a call. `status` is 0 where it gave no answer. */
export class BillhookError extends Error {
  status: number
  code: string
  field: string | null

  constructor(status: number, code: string, message: string, field: string | null = null) {
    super(message)
    this.status = status
    this.code = code
    this.field = field
  }
}

const part = (text: string): string => encodeURIComponent(text)

export interface Access {
  account_id: string
  access: 'none' | 'limited' | 'full'
  reason:
    | 'unconfirmed'
    | 'trial_starting'
    | 'trialing'
    | 'first_payment'
    | 'trial_expired'
    | 'after_trial'
    | 'active'
    | 'canceling'
    | 'canceled'
    | 'stale'
    | 'past_due_grace'
    | 'past_due'
    | 'payment_processing'
    | 'uncollectible'
    | 'payment_incomplete'
    | 'incomplete_expired'
    | 'unpaid'
    | 'paused'
    | 'collection_paused'
    | 'customer_deleted'
    | 'granted'
    | 'no_subscription'
    | 'charged_back'
  plan: string | null
  features: Array<string>
  quantity: number | null
  until: string | null
}

export interface AccessGrantedEvent {
  id: string
  type: 'access.granted'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface AccessLimitedEvent {
  id: string
  type: 'access.limited'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface AccessRevokedEvent {
  id: string
  type: 'access.revoked'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface AccessToken {
  token: string
  expires_at: string
}

export interface Account {
  account_id: string
  email: string | null
  email_proved: boolean
  name: string | null
  external_id: string | null
  timezone: string | null
  language: string | null
  attributes: Record<string, unknown>
  customers: Array<string>
  stripe_metadata: Record<string, unknown>
  standing: Standing
  subscriptions: Array<Subscription>
  openings: Array<LinkOpening>
  others: Array<SubscriptionToAnotherProduct>
  instance: Record<string, unknown> | null
}

export interface AccountCreatedEvent {
  id: string
  type: 'account.created'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface AccountUpdatedEvent {
  id: string
  type: 'account.updated'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface Accounts {
  accounts: Array<Account>
}

export interface AuditEntry {
  id: string
  at: string
  actor: string
  action:
    | 'profile.changed'
    | 'external_id.set'
    | 'account.erased'
    | 'accounts.exported'
    | 'accounts.imported'
    | 'accounts.joined'
    | 'account.revived'
    | 'account.signed_up'
    | 'milestone.reported'
    | 'checkout.opened'
    | 'portal.opened'
    | 'links.ended'
    | 'instance.reported'
    | 'instance.retried'
    | 'instance.suspended'
    | 'instance.resumed'
    | 'instance.deleted'
    | 'subscription.canceled'
    | 'subscription.reactivated'
    | 'subscription.plan_changed'
    | 'trial.changed'
    | 'discount.given'
    | 'grants.given'
    | 'figures.recounted'
    | 'charge.made'
    | 'suppression.lifted'
    | 'webhooks.endpoint_made'
    | 'webhooks.endpoint_deleted'
    | 'webhooks.secret_rotated'
    | 'webhooks.test_sent'
    | 'webhooks.endpoint_enabled'
    | 'webhooks.events_replayed'
    | 'key.made'
    | 'key.revoked'
    | 'signing_keys.rotated'
    | 'secrets.set'
    | 'stage.deployed'
    | 'stripe.applied'
    | 'stage.restored'
    | 'dead_letters.handled'
    | 'events.replayed'
    | 'broadcast.sent'
    | 'people.synced'
    | 'revenue.recounted'
    | 'mcp.read'
    | 'admin.signed_in'
    | 'admin.signed_out'
  account_id?: string
  detail: Record<string, unknown>
  from: string | null
}

export interface AuditLog {
  entries: Array<AuditEntry>
  cursor: string | null
}

export interface Charge {
  charge_id: string
  amount: number
  currency: string
  description: string
  bill: 'next_invoice' | 'now'
  status: 'pending' | 'paid' | 'processing' | 'requires_action'
  invoice?: string
  url?: string
}

export interface CheckYourInbox {
  status: 'check_your_inbox'
}

export interface ContractWithdrawnEvent {
  id: string
  type: 'contract.withdrawn'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface ConversionsWithin {
  days: number | null
  converted: number
}

export interface CurrencyRevenue {
  annualised: number
  days: Array<RevenueDay>
}

export interface CustomersKept {
  months: number
  customers: number | null
}

export interface Error {
  error: Record<string, unknown>
}

export interface Event {
  id: string
  type:
    | 'account.created'
    | 'account.updated'
    | 'trial.started'
    | 'trial.extended'
    | 'trial.shortened'
    | 'trial.converted'
    | 'trial.expired'
    | 'access.granted'
    | 'access.limited'
    | 'access.revoked'
    | 'plan.changed'
    | 'quantity.changed'
    | 'subscription.canceling'
    | 'subscription.uncanceled'
    | 'subscription.canceled'
    | 'subscription.duplicated'
    | 'subscription.paused'
    | 'subscription.resumed'
    | 'payment.failed'
    | 'payment.disputed'
    | 'payment.charged_back'
    | 'payment.succeeded'
    | 'invoice.finalization_failed'
    | 'contract.withdrawn'
    | 'grant.given'
    | 'milestone.reached'
    | 'notice.complained'
    | 'feedback.given'
    | 'instance.ready'
    | 'instance.suspended'
    | 'instance.resumed'
    | 'instance.deleted'
    | 'instance.url_changed'
    | 'instance.stalled'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface Events {
  events: Array<Event>
  cursor: string
}

export interface FeedbackGivenEvent {
  id: string
  type: 'feedback.given'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface GrantGivenEvent {
  id: string
  type: 'grant.given'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface Health {
  status: 'ok'
}

export interface Heard {
  received: true
  taken: boolean
  reason?:
    | 'not_followed'
    | 'no_milestone'
    | 'no_account'
    | 'other_mode'
    | 'same'
    | 'older'
    | 'switched_off'
    | 'unsubscribed_here'
}

export interface InstanceDeletedEvent {
  id: string
  type: 'instance.deleted'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface InstanceReadyEvent {
  id: string
  type: 'instance.ready'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface InstanceResumedEvent {
  id: string
  type: 'instance.resumed'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface InstanceStalledEvent {
  id: string
  type: 'instance.stalled'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface InstanceSuspendedEvent {
  id: string
  type: 'instance.suspended'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface InstanceUrlChangedEvent {
  id: string
  type: 'instance.url_changed'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface InvoiceFinalizationFailedEvent {
  id: string
  type: 'invoice.finalization_failed'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface KeySet {
  keys: Array<Record<string, unknown>>
}

export interface Leaving {
  reasons: Array<LeavingReason>
}

export interface LeavingReason {
  reason:
    | 'too_expensive'
    | 'missing_features'
    | 'switched_service'
    | 'unused'
    | 'customer_service'
    | 'too_complex'
    | 'low_quality'
    | 'other'
    | 'cancellation_requested'
    | 'payment_failed'
    | 'payment_disputed'
  customers: number
  trials: number
}

export interface LinkOpening {
  at: string
  link: string
  browser: string
  ended: boolean
}

export interface MessageEffect {
  step: string
  sequence: string | null
  sent: number
  converted: number
  held_out: number
  held_out_converted: number
  difference: number | null
  low: number | null
  high: number | null
}

export interface Messages {
  steps: Array<MessageEffect>
}

export interface MilestoneCount {
  name: string
  reached: number
}

export interface MilestoneReachedEvent {
  id: string
  type: 'milestone.reached'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface NewWebhookEndpoint {
  id: string
  url: string
  events: Array<string>
  description: string | null
  status: 'enabled' | 'disabled'
  disabled_reason: 'failing' | 'gone' | null
  created_at: string
  secret: string
}

export interface NoticeComplainedEvent {
  id: string
  type: 'notice.complained'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface Page {
  url: string
}

export interface PaymentChargedBackEvent {
  id: string
  type: 'payment.charged_back'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface PaymentDisputedEvent {
  id: string
  type: 'payment.disputed'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface PaymentFailedEvent {
  id: string
  type: 'payment.failed'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface PaymentSucceededEvent {
  id: string
  type: 'payment.succeeded'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface PlanChangedEvent {
  id: string
  type: 'plan.changed'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface QuantityChangedEvent {
  id: string
  type: 'quantity.changed'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface Reactivated {
  action: 'uncanceled' | 'resumed' | 'checkout'
  url?: string
}

export interface Received {
  received: true
  taken?: boolean
}

export interface Replayed {
  count: number
}

export interface Retention {
  weeks: Array<RetentionWeek>
}

export interface RetentionWeek {
  week: string
  customers: number
  kept: Array<CustomersKept>
}

export interface Revenue {
  currencies: Record<string, unknown>
}

export interface RevenueDay {
  date: string
  mrr: number
  new: number
  reactivation: number
  expansion: number
  contraction: number
  churn: number
}

export interface SignedUp {
  account_id: string
  status: string
  trial_ends_at: string | null
  welcome_url: string
}

export interface Standing {
  status: string
  access: 'none' | 'limited' | 'full'
  reason:
    | 'unconfirmed'
    | 'trial_starting'
    | 'trialing'
    | 'first_payment'
    | 'trial_expired'
    | 'after_trial'
    | 'active'
    | 'canceling'
    | 'canceled'
    | 'stale'
    | 'past_due_grace'
    | 'past_due'
    | 'payment_processing'
    | 'uncollectible'
    | 'payment_incomplete'
    | 'incomplete_expired'
    | 'unpaid'
    | 'paused'
    | 'collection_paused'
    | 'customer_deleted'
    | 'granted'
    | 'no_subscription'
    | 'charged_back'
  plan: string | null
  features: Array<string>
  quantity: number | null
  until: string | null
}

export interface Subscription {
  id: string
  customer: string
  status: string
  plan: string | null
  quantity: number | null
  items: Array<SubscriptionItem>
  created: string
  trial_end: string | null
  period_end: string | null
  cancels_at: string | null
  ended_at: string | null
  schedule: string | null
  pending_change: Record<string, unknown> | null
}

export interface SubscriptionCanceledEvent {
  id: string
  type: 'subscription.canceled'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface SubscriptionCancelingEvent {
  id: string
  type: 'subscription.canceling'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface SubscriptionDuplicatedEvent {
  id: string
  type: 'subscription.duplicated'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface SubscriptionItem {
  price: string
  lookup_key: string | null
  quantity: number | null
  amount: number | null
  currency: string | null
  interval: string | null
}

export interface SubscriptionPausedEvent {
  id: string
  type: 'subscription.paused'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface SubscriptionResumedEvent {
  id: string
  type: 'subscription.resumed'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface SubscriptionToAnotherProduct {
  id: string
  customer: string
  status: string
}

export interface SubscriptionUncanceledEvent {
  id: string
  type: 'subscription.uncanceled'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface Timeline {
  entries: Array<TimelineEntry>
  cursor: string | null
}

export interface TimelineEntry {
  at: string
  kind: string
  id: string
  type: string
  data: Record<string, unknown>
}

export interface TrialConvertedEvent {
  id: string
  type: 'trial.converted'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface TrialExpiredEvent {
  id: string
  type: 'trial.expired'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface TrialExtendedEvent {
  id: string
  type: 'trial.extended'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface TrialShortenedEvent {
  id: string
  type: 'trial.shortened'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface TrialStartedEvent {
  id: string
  type: 'trial.started'
  timestamp: string
  sequence: number
  data: Record<string, unknown>
}

export interface TrialWeek {
  week: string
  started: number
  converted: number
  expired: number
  running: number
  activated: number
  milestones: Array<MilestoneCount>
  median_days: number | null
  conversions: Array<ConversionsWithin>
}

export interface Trials {
  weeks: Array<TrialWeek>
}

export interface Waiting {
  status: 'processing' | 'requires_action'
  invoice: string
  url?: string
}

export interface WebhookDeliveries {
  deliveries: Array<WebhookDelivery>
  cursor: string | null
}

export interface WebhookDelivery {
  id: string
  event_id: string
  type: string
  at: string
  attempt: number
  status: 'succeeded' | 'failed' | 'pending'
  code?: number
  error?: string
}

export interface WebhookEndpoint {
  id: string
  url: string
  events: Array<string>
  description: string | null
  status: 'enabled' | 'disabled'
  disabled_reason: 'failing' | 'gone' | null
  created_at: string
}

export interface WebhookEndpoints {
  endpoints: Array<WebhookEndpoint>
}

export interface WebhookSecret {
  secret: string
}

export interface UpdateAccountBody {
  email?: string | null
  name?: string | null
  timezone?: string | null
  language?: string | null
}

export interface CreateEndpointBody {
  url: string
  events?: Array<string> | null
  description?: string | null
}

export interface SignUpBody {
  email: string
  name?: string | null
  plan?: string | null
  interval?: string | null
  currency?: string | null
  external_id?: string | null
  claim?: string | null
  timezone?: string | null
  language?: string | null
  source?: string | null
  attributes?: Record<string, unknown> | null
}

export interface CancelBody {
  when: 'period_end' | 'now'
  reason?:
    | 'too_expensive'
    | 'missing_features'
    | 'switched_service'
    | 'unused'
    | 'customer_service'
    | 'too_complex'
    | 'low_quality'
    | 'other'
    | null
  comment?: string | null
  subscription?: string | null
}

export interface ChargeBody {
  amount: number
  currency: string
  description: string
  bill?: 'next_invoice' | 'now' | null
}

export interface CreateCheckoutBody {
  plan?: string | null
  interval?: string | null
  quantity?: number | null
  currency?: string | null
}

export interface ApplyDiscountBody {
  coupon: string
}

export interface GiveGrantBody {
  until: string
  plan?: string | null
  note: string
}

export interface EndLinksBody {
  link?: string | null
}

export interface ReportMilestoneBody {
  name: string
  at?: string | null
}

export interface ChangePlanBody {
  plan: string
  interval?: string | null
  quantity?: number | null
  prorate?: 'now' | 'next_invoice' | 'none' | null
}

export interface MoveTrialBody {
  ends_at: string
}

export interface ReplayEventsBody {
  since: string
  until?: string | null
  types?: Array<string> | null
}

export interface SetExternalIdBody {
  external_id: string
}

export interface ReportInstanceBody {
  status: 'creating' | 'ready' | 'suspended' | 'deleted' | 'failed'
  url?: string | null
  request_id?: string | null
}

/**
 * The calls of the API. Each rejects with BillhookError. A call that may be repeated takes an
 * `idempotencyKey`: repeat it with the same key until there is an answer.
 */
export class Billhook {
  private readonly base: string
  private readonly key: string
  private readonly fetcher: typeof fetch

  constructor(base: string, key = '', fetcher: typeof fetch = fetch) {
    this.base = base.replace(/\/+$/, '')
    this.key = key
    this.fetcher = fetcher
  }

  private async call(
    method: string,
    path: string,
    body: unknown,
    query: Record<string, unknown>,
    idempotencyKey?: string,
  ): Promise<unknown> {
    const asked = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== null) asked.set(name, String(value))
    }
    const headers: Record<string, string> = {}
    if (this.key) headers['Authorization'] = `Bearer ${this.key}`
    if (idempotencyKey) headers['Idempotency-Key'] = idempotencyKey
    const sends = method === 'POST' || method === 'PUT' || method === 'PATCH'
    if (sends) headers['Content-Type'] = 'application/json'
    const url = this.base + path + (asked.size ? `?${asked}` : '')
    let response: Response
    try {
      const content = sends ? JSON.stringify(body ?? {}) : null
      response = await this.fetcher(url, { method, headers, body: content, redirect: 'error' })
    } catch {
      throw new BillhookError(0, 'no_answer', `${this.base} gives no answer.`)
    }
    const text = await response.text()
    if (response.ok) return text ? JSON.parse(text) : undefined
    try {
      const { code, message, field } = JSON.parse(text).error
      throw new BillhookError(response.status, code, message, field ?? null)
    } catch (failure) {
      if (failure instanceof BillhookError) throw failure
      throw new BillhookError(response.status, 'unreadable', `The API answers ${response.status}.`)
    }
  }

  /**
   * Erase the account, and its customer at Stripe, which ends subscriptions at once. The same again
   * goes on where an erasure was interrupted.
   */
  eraseAccount(accountId: string, options: { stripe?: 'true' | 'false' } = {}): Promise<void> {
    return this.call(
      'DELETE',
      `/accounts/${part(accountId)}`,
      {},
      { stripe: options.stripe },
    ) as Promise<void>
  }

  /**
   * The account with its standing and subscriptions.
   */
  getAccount(accountId: string): Promise<Account> {
    return this.call('GET', `/accounts/${part(accountId)}`, undefined, {}) as Promise<Account>
  }

  /**
   * Change the customer's address, name, time zone or language. What is left out stays.
   */
  updateAccount(accountId: string, body?: UpdateAccountBody): Promise<Account> {
    return this.call('PATCH', `/accounts/${part(accountId)}`, body ?? {}, {}) as Promise<Account>
  }

  /**
   * Write again to an address that bounced or complained: once the mailbox works, or its owner asks
   * for it.
   */
  liftSuppression(email: string): Promise<void> {
    return this.call('DELETE', `/suppressions/${part(email)}`, {}, {}) as Promise<void>
  }

  /**
   * Delete an endpoint. What is on its way to it is dropped.
   */
  deleteEndpoint(endpointId: string): Promise<void> {
    return this.call('DELETE', `/webhooks/endpoints/${part(endpointId)}`, {}, {}) as Promise<void>
  }

  /**
   * Find accounts by e-mail address or by external id.
   */
  findAccounts(options: { email?: string, external_id?: string } = {}): Promise<Accounts> {
    return this.call('GET', `/accounts`, undefined, options) as Promise<Accounts>
  }

  /**
   * What the account may use now.
   */
  getAccess(accountId: string): Promise<Access> {
    return this.call('GET', `/accounts/${part(accountId)}/access`, undefined, {}) as Promise<Access>
  }

  /**
   * The account's history, newest first.
   */
  getTimeline(accountId: string, options: { cursor?: string } = {}): Promise<Timeline> {
    return this.call(
      'GET',
      `/accounts/${part(accountId)}/timeline`,
      undefined,
      { cursor: options.cursor },
    ) as Promise<Timeline>
  }

  /**
   * Who changed what in the last 400 days, the newest first: 50 entries and the cursor of the next
   * page.
   */
  listAudit(options: { cursor?: string, account_id?: string } = {}): Promise<AuditLog> {
    return this.call('GET', `/audit`, undefined, options) as Promise<AuditLog>
  }

  /**
   * What happened to accounts in the last 30 days, the oldest first. Keep the cursor and ask again
   * with it: as long as it changes there may be more.
   */
  listEvents(
    options: { cursor?: string, types?: string, account_id?: string, limit?: number } = {},
  ): Promise<Events> {
    return this.call('GET', `/events`, undefined, options) as Promise<Events>
  }

  /**
   * Why customers left, and why trials did not become customers, the most frequent first.
   */
  getLeaving(options: { from?: string, to?: string } = {}): Promise<Leaving> {
    return this.call('GET', `/reports/leaving`, undefined, options) as Promise<Leaving>
  }

  /**
   * What followed each message with a holdout, among those that got it and those held out.
   */
  getMessageEffects(options: { from?: string, to?: string } = {}): Promise<Messages> {
    return this.call('GET', `/reports/messages`, undefined, options) as Promise<Messages>
  }

  /**
   * Customers by the week in which they first brought in anything, and how many still do.
   */
  getRetention(options: { from?: string, to?: string } = {}): Promise<Retention> {
    return this.call('GET', `/reports/retention`, undefined, options) as Promise<Retention>
  }

  /**
   * Monthly recurring revenue by currency: a row for each day, with what moved it.
   */
  getRevenue(options: { from?: string, to?: string } = {}): Promise<Revenue> {
    return this.call('GET', `/reports/revenue`, undefined, options) as Promise<Revenue>
  }

  /**
   * Trials by the week in which they started, the oldest first, and what became of them.
   */
  getTrials(options: { from?: string, to?: string } = {}): Promise<Trials> {
    return this.call('GET', `/reports/trials`, undefined, options) as Promise<Trials>
  }

  /**
   * All webhook endpoints, without their secrets.
   */
  listEndpoints(): Promise<WebhookEndpoints> {
    return this.call('GET', `/webhooks/endpoints`, undefined, {}) as Promise<WebhookEndpoints>
  }

  /**
   * Deliver events to a URL from now on, signed by Standard Webhooks. At most 20 endpoints.
   */
  createEndpoint(body: CreateEndpointBody): Promise<NewWebhookEndpoint> {
    return this.call('POST', `/webhooks/endpoints`, body ?? {}, {}) as Promise<NewWebhookEndpoint>
  }

  /**
   * What came of the deliveries to an endpoint, the newest events first: a row for each attempt,
   * and one for what waits. Kept for 30 days.
   */
  listDeliveries(
    endpointId: string,
    options: { cursor?: string } = {},
  ): Promise<WebhookDeliveries> {
    return this.call(
      'GET',
      `/webhooks/endpoints/${part(endpointId)}/deliveries`,
      undefined,
      { cursor: options.cursor },
    ) as Promise<WebhookDeliveries>
  }

  /**
   * Sign up for a free trial from one of the sites in billing.toml: by script, or by a plain form,
   * which is answered with pages. Your own server may sign a user up too, with a write key in
   * Authorization.
   */
  signUp(body: SignUpBody): Promise<SignedUp | CheckYourInbox> {
    return this.call('POST', `/signups`, body ?? {}, {}) as Promise<SignedUp | CheckYourInbox>
  }

  /**
   * A signed token of the account's access, which your product verifies without a call.
   */
  createAccessToken(accountId: string): Promise<AccessToken> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/access/token`,
      {},
      {},
    ) as Promise<AccessToken>
  }

  /**
   * Cancel the subscription.
   */
  cancel(
    accountId: string,
    body: CancelBody,
    options: { idempotencyKey?: string } = {},
  ): Promise<Standing> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/cancel`,
      body ?? {},
      {},
      options.idempotencyKey,
    ) as Promise<Standing>
  }

  /**
   * Charge an exact amount in addition to the subscription. Coupons do not apply. If the card is
   * declined, a charge billed now is canceled. While a bank debit is under way, or the bank wants
   * the payment confirmed, the answer is 202; the same call later tells what has become of it.
   */
  charge(
    accountId: string,
    body: ChargeBody,
    options: { idempotencyKey?: string } = {},
  ): Promise<Charge> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/charges`,
      body ?? {},
      {},
      options.idempotencyKey,
    ) as Promise<Charge>
  }

  /**
   * Create a Stripe Checkout page: to save a card while a subscription runs, else to buy.
   */
  createCheckout(accountId: string, body?: CreateCheckoutBody): Promise<Page> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/checkout`,
      body ?? {},
      {},
    ) as Promise<Page>
  }

  /**
   * Add a coupon's discount to the subscription, in addition to others. Adding one again changes
   * nothing.
   */
  applyDiscount(
    accountId: string,
    body: ApplyDiscountBody,
    options: { idempotencyKey?: string } = {},
  ): Promise<Standing> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/discount`,
      body ?? {},
      {},
      options.idempotencyKey,
    ) as Promise<Standing>
  }

  /**
   * Give access by hand, without Stripe.
   */
  giveGrant(
    accountId: string,
    body: GiveGrantBody,
    options: { idempotencyKey?: string } = {},
  ): Promise<Standing> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/grants`,
      body ?? {},
      {},
      options.idempotencyKey,
    ) as Promise<Standing>
  }

  /**
   * Delete it now. Only without access.
   */
  deleteInstance(accountId: string): Promise<void> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/instance/delete`,
      {},
      {},
    ) as Promise<void>
  }

  /**
   * Leave it to the access again, and ask once more for what has stalled.
   */
  resumeInstance(accountId: string): Promise<void> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/instance/resume`,
      {},
      {},
    ) as Promise<void>
  }

  /**
   * Ask once more for what stalled or failed, or now for what waits its turn.
   */
  retryInstance(accountId: string): Promise<void> {
    return this.call('POST', `/accounts/${part(accountId)}/instance/retry`, {}, {}) as Promise<void>
  }

  /**
   * Suspend it, whatever the access, until the next order.
   */
  suspendInstance(accountId: string): Promise<void> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/instance/suspend`,
      {},
      {},
    ) as Promise<void>
  }

  /**
   * End every link that was mailed to the customer, and every session on the billing page: for a
   * mailbox or a link that somebody else has. Links to unsubscribe go on working, and the customer
   * can sign in again by a new link. With `link`, end only that one, and the sessions that it
   * began.
   */
  endLinks(accountId: string, body?: EndLinksBody): Promise<void> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/links/end`,
      body ?? {},
      {},
    ) as Promise<void>
  }

  /**
   * Record that the user reached a milestone in the product.
   */
  reportMilestone(accountId: string, body: ReportMilestoneBody): Promise<void> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/milestones`,
      body ?? {},
      {},
    ) as Promise<void>
  }

  /**
   * Change plan, interval or quantity. If the card is declined, nothing changes. If the bank wants
   * the payment confirmed, the change is made once the customer has confirmed it.
   */
  changePlan(
    accountId: string,
    body: ChangePlanBody,
    options: { idempotencyKey?: string } = {},
  ): Promise<Standing | Waiting> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/plan`,
      body ?? {},
      {},
      options.idempotencyKey,
    ) as Promise<Standing | Waiting>
  }

  /**
   * Create a URL of Stripe's customer portal. It is valid for a short time.
   */
  createPortal(accountId: string): Promise<Page> {
    return this.call('POST', `/accounts/${part(accountId)}/portal`, {}, {}) as Promise<Page>
  }

  /**
   * Reactivate the subscription: undo a scheduled cancellation, or end a pause and pay what is
   * open. Otherwise returns the URL of a Stripe Checkout page.
   */
  reactivate(
    accountId: string,
    options: { idempotencyKey?: string } = {},
  ): Promise<Reactivated | Waiting> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/reactivate`,
      {},
      {},
      options.idempotencyKey,
    ) as Promise<Reactivated | Waiting>
  }

  /**
   * Move the end of a running trial.
   */
  moveTrial(
    accountId: string,
    body: MoveTrialBody,
    options: { idempotencyKey?: string } = {},
  ): Promise<Standing> {
    return this.call(
      'POST',
      `/accounts/${part(accountId)}/trial`,
      body ?? {},
      {},
      options.idempotencyKey,
    ) as Promise<Standing>
  }

  /**
   * Deliver to a disabled endpoint again. What waits for it goes on; replay what was published
   * meanwhile.
   */
  enableEndpoint(endpointId: string): Promise<WebhookEndpoint> {
    return this.call(
      'POST',
      `/webhooks/endpoints/${part(endpointId)}/enable`,
      {},
      {},
    ) as Promise<WebhookEndpoint>
  }

  /**
   * Deliver events of a time again, with their ids and bodies, whether the endpoint had them or
   * not: those of its types, by their timestamps, both ends included.
   */
  replayEvents(endpointId: string, body: ReplayEventsBody): Promise<Replayed> {
    return this.call(
      'POST',
      `/webhooks/endpoints/${part(endpointId)}/replay`,
      body ?? {},
      {},
    ) as Promise<Replayed>
  }

  /**
   * Give the endpoint a new secret. The one before signs too for 24 hours.
   */
  rotateSecret(endpointId: string): Promise<WebhookSecret> {
    return this.call(
      'POST',
      `/webhooks/endpoints/${part(endpointId)}/rotate`,
      {},
      {},
    ) as Promise<WebhookSecret>
  }

  /**
   * Deliver an event of the type billhook.test now, once.
   */
  sendTest(endpointId: string): Promise<void> {
    return this.call(
      'POST',
      `/webhooks/endpoints/${part(endpointId)}/test`,
      {},
      {},
    ) as Promise<void>
  }

  /**
   * Give the account your product's id of the customer, in place of another one. The same id again
   * changes nothing.
   */
  setExternalId(accountId: string, body: SetExternalIdBody): Promise<Account> {
    return this.call(
      'PUT',
      `/accounts/${part(accountId)}/external_id`,
      body ?? {},
      {},
    ) as Promise<Account>
  }

  /**
   * Report what the account's instance is, such as ready once it is made. The same again changes
   * nothing.
   */
  reportInstance(accountId: string, body: ReportInstanceBody): Promise<void> {
    return this.call(
      'PUT',
      `/accounts/${part(accountId)}/instance`,
      body ?? {},
      {},
    ) as Promise<void>
  }
}
