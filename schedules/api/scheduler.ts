// Written by `manage.py scheduler types` from the OpenAPI document; do not edit.
// A field that may be null or missing in JSON is optional here.

export interface ScheduledJob {
  id: number;
  key: string;
  name: string;
  description?: string;
  taskFunctionId: number;
  taskFunctionKey: string;
  jobTypeId: number;
  jobTypeName: string;
  nameEn?: string;
  nameAr?: string;
  nameId?: string;
  descriptionEn?: string;
  descriptionAr?: string;
  descriptionId?: string;
  cronExpression?: string;
  timezone?: string;
  dayRule?: string;
  intervalSeconds?: number;
  intervalMinutes?: number;
  intervalHours?: number;
  intervalDays?: number;
  intervalWeeks?: number;
  runAt?: string;
  solarEvent?: string;
  latitude?: number;
  longitude?: number;
  startsAt?: string;
  endsAt?: string;
  calendar?: string;
  dayOff: string;
  args: unknown[];
  kwargs: Record<string, unknown>;
  priority: number;
  maxInstances: number;
  misfireGraceTime: number;
  coalesce: boolean;
  overlap: string;
  jitterSeconds: number;
  timeLimitSeconds?: number;
  softTimeLimitSeconds?: number;
  maxRetries: number;
  retryDelaySeconds: number;
  onLost: string;
  exclusive: boolean;
  retentionSeconds?: number;
  isEnabled: boolean;
  isActive: boolean;
  isPrimary: boolean;
  isPaused: boolean;
  pausedAt?: string;
  pausedUntil?: string;
  pausedBy?: string;
  pauseReason?: string;
  version: number;
  owner: string;
  overridden: string[];
  invalidReason: string;
  checks: string[];
  lastRunAt?: string;
  nextRunAt?: string;
  createdAt: string;
  updatedAt?: string;
}

export interface ScheduledJobExecution {
  id: number;
  jobId: number;
  jobKey: string;
  executionId: string;
  taskKey: string;
  naturalKey?: string;
  scheduledAt: string;
  until?: string;
  count: number;
  dueAt: string;
  startedAt?: string;
  completedAt?: string;
  durationMs?: number;
  statusId: number;
  statusName: string;
  errorMessage?: string;
  resultSummary?: string;
  executorId: string;
  hostName: string;
  attempt: number;
  origin: string;
  reason: string;
  suspectReason: string;
  dismissedAt?: string;
  requestedBy: string;
}

export type JobAction = 'enable' | 'disable' | 'trigger' | 'pause' | 'resume';

export interface JobActionRequest {
  action: JobAction;
  reason?: string;
  until?: string;
  kwargs?: Record<string, unknown>;
}

export interface JobActionResponse {
  success: boolean;
  message: string;
  executionId?: string;
  skippedRuns?: number;
  job: ScheduledJob;
}

export interface SchedulerStatus {
  isRunning: boolean;
  isPaused: boolean;
  mode: string;
  instanceId: string;
  activeInstances: number;
  totalJobs: number;
  enabledJobs: number;
  invalidJobs: number;
  runningExecutions: number;
  parkedExecutions: number;
  lastHeartbeat: string;
  instances: SchedulerInstance[];
}

export interface JobCreate {
  nameEn?: string;
  nameAr?: string;
  nameId?: string;
  descriptionEn?: string;
  descriptionAr?: string;
  descriptionId?: string;
  intervalSeconds?: number;
  intervalMinutes?: number;
  intervalHours?: number;
  intervalDays?: number;
  intervalWeeks?: number;
  cronExpression?: string;
  timezone?: string;
  dayRule?: 'any' | 'all';
  runAt?: string;
  solarEvent?: 'dawn_astronomical' | 'dawn_nautical' | 'dawn_civil' | 'sunrise' | 'solar_noon' | 'sunset' | 'dusk_civil' | 'dusk_nautical' | 'dusk_astronomical';
  latitude?: number;
  longitude?: number;
  startsAt?: string;
  endsAt?: string;
  calendar?: string;
  dayOff?: 'skip' | 'next_day';
  args?: unknown[];
  kwargs?: Record<string, unknown>;
  after?: AfterRequest[];
  jitterSeconds?: number;
  timeLimitSeconds?: number;
  softTimeLimitSeconds?: number;
  maxRetries?: number;
  retryDelaySeconds?: number;
  onLost?: 'retry' | 'fail';
  exclusive?: boolean;
  retentionSeconds?: number;
  reason?: string;
  checks?: string[];
  key?: string;
  taskFunctionId?: number;
  taskFunctionKey?: string;
  priority?: number;
  maxInstances?: number;
  misfireGraceTime?: number;
  coalesce?: boolean;
  isEnabled?: boolean;
  isPrimary?: boolean;
  overlap?: 'skip' | 'queue_one' | 'queue_all' | 'cancel_running' | 'allow';
}

export interface JobUpdate {
  nameEn?: string;
  nameAr?: string;
  nameId?: string;
  descriptionEn?: string;
  descriptionAr?: string;
  descriptionId?: string;
  intervalSeconds?: number;
  intervalMinutes?: number;
  intervalHours?: number;
  intervalDays?: number;
  intervalWeeks?: number;
  cronExpression?: string;
  timezone?: string;
  dayRule?: 'any' | 'all';
  runAt?: string;
  solarEvent?: 'dawn_astronomical' | 'dawn_nautical' | 'dawn_civil' | 'sunrise' | 'solar_noon' | 'sunset' | 'dusk_civil' | 'dusk_nautical' | 'dusk_astronomical';
  latitude?: number;
  longitude?: number;
  startsAt?: string;
  endsAt?: string;
  calendar?: string;
  dayOff?: 'skip' | 'next_day';
  args?: unknown[];
  kwargs?: Record<string, unknown>;
  after?: AfterRequest[];
  jitterSeconds?: number;
  timeLimitSeconds?: number;
  softTimeLimitSeconds?: number;
  maxRetries?: number;
  retryDelaySeconds?: number;
  onLost?: 'retry' | 'fail';
  exclusive?: boolean;
  retentionSeconds?: number;
  reason?: string;
  checks?: string[];
  taskFunctionId?: number;
  taskFunctionKey?: string;
  priority?: number;
  maxInstances?: number;
  misfireGraceTime?: number;
  coalesce?: boolean;
  isEnabled?: boolean;
  isPrimary?: boolean;
  overlap?: 'skip' | 'queue_one' | 'queue_all' | 'cancel_running' | 'allow';
}

export interface JobPage {
  items: ScheduledJob[];
  total: number;
  page: number;
  perPage: number;
  totalPages: number;
}

export interface ExecutionPage {
  items: ScheduledJobExecution[];
  total: number;
  totalIsExact: boolean;
  page: number;
  perPage: number;
  totalPages: number;
  nextCursor?: string;
}

export interface ExecutionDetails {
  id: number;
  jobId?: number;
  jobKey: string;
  executionId: string;
  taskKey: string;
  naturalKey?: string;
  scheduledAt: string;
  until?: string;
  count: number;
  dueAt: string;
  startedAt?: string;
  completedAt?: string;
  durationMs?: number;
  statusId: number;
  statusName: string;
  errorMessage?: string;
  resultSummary?: string;
  executorId: string;
  hostName: string;
  attempt: number;
  origin: string;
  reason: string;
  suspectReason: string;
  dismissedAt?: string;
  requestedBy: string;
  args: unknown[];
  kwargs: Record<string, unknown>;
  resultData: unknown;
  errorTraceback?: string;
  log?: string;
  progress?: Progress;
  checks?: CheckFinding[];
}

export interface TaskFunction {
  id: number;
  key: string;
  name: string;
  nameEn: string;
  nameAr?: string;
  nameId?: string;
  descriptionEn?: string;
  descriptionAr?: string;
  descriptionId?: string;
  isActive: boolean;
  arguments: Record<string, unknown>;
}

export interface FixedWord {
  id: number;
  name: string;
  nameEn: string;
  nameAr: string;
  nameId: string;
  label: string;
}

export interface CleanupRequest {
  retentionDays?: number;
}

export interface CleanupReply {
  deletedCount: number;
  message: string;
}

export interface AlertChannel {
  id: number;
  name: string;
  kind: 'email' | 'webhook' | 'slack';
  target: string;
  isEnabled: boolean;
  createdAt: string;
}

export interface AlertRule {
  id: number;
  name: string;
  kind: 'failed' | 'failing' | 'recovered' | 'missed' | 'late' | 'lost' | 'slow' | 'suspect' | 'succeeded' | 'completed' | 'beat_silent' | 'outbox_stuck';
  jobId?: number;
  jobKey?: string;
  channels: string[];
  times: number;
  afterSeconds?: number;
  gatherSeconds: number;
  isEnabled: boolean;
  isMuted: boolean;
  mutedUntil?: string;
  mutedBy?: string;
  muteReason?: string;
  createdAt: string;
}

export interface RuleCreate {
  kind: 'failed' | 'failing' | 'recovered' | 'missed' | 'late' | 'lost' | 'slow' | 'suspect' | 'succeeded' | 'completed' | 'beat_silent' | 'outbox_stuck';
  channels: string[];
  name?: string;
  job?: string;
  times?: number;
  afterSeconds?: number;
  gatherSeconds?: number;
  isEnabled?: boolean;
}

export interface RuleUpdate {
  name?: string;
  job?: string;
  channels?: string[];
  times?: number;
  afterSeconds?: number;
  gatherSeconds?: number;
  isEnabled?: boolean;
}

export interface ChannelCreate {
  name: string;
  kind: 'email' | 'webhook' | 'slack';
  target: string;
  isEnabled?: boolean;
}

export interface ChannelUpdate {
  name?: string;
  target?: string;
  isEnabled?: boolean;
}

export interface DeliveryPage {
  items: AlertDelivery[];
  total: number;
  page: number;
  perPage: number;
  totalPages: number;
}

export interface CalendarReply {
  name: string;
  dates: string[];
  weekdays: string[];
  isAllowList: boolean;
  timezone: string;
  jobs: string[];
}

export interface CalendarCreate {
  dates?: string[];
  weekdays?: ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[];
  isAllowList?: boolean;
  timezone?: string;
  reason?: string;
  name: string;
}

export interface CalendarUpdate {
  dates?: string[];
  weekdays?: ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[];
  isAllowList?: boolean;
  timezone?: string;
  reason?: string;
}

export interface JobPreviewRequest {
  nameEn?: string;
  nameAr?: string;
  nameId?: string;
  descriptionEn?: string;
  descriptionAr?: string;
  descriptionId?: string;
  intervalSeconds?: number;
  intervalMinutes?: number;
  intervalHours?: number;
  intervalDays?: number;
  intervalWeeks?: number;
  cronExpression?: string;
  timezone?: string;
  dayRule?: 'any' | 'all';
  runAt?: string;
  solarEvent?: 'dawn_astronomical' | 'dawn_nautical' | 'dawn_civil' | 'sunrise' | 'solar_noon' | 'sunset' | 'dusk_civil' | 'dusk_nautical' | 'dusk_astronomical';
  latitude?: number;
  longitude?: number;
  startsAt?: string;
  endsAt?: string;
  calendar?: string;
  dayOff?: 'skip' | 'next_day';
  args?: unknown[];
  kwargs?: Record<string, unknown>;
  after?: AfterRequest[];
  jitterSeconds?: number;
  timeLimitSeconds?: number;
  softTimeLimitSeconds?: number;
  maxRetries?: number;
  retryDelaySeconds?: number;
  onLost?: 'retry' | 'fail';
  exclusive?: boolean;
  retentionSeconds?: number;
  reason?: string;
  checks?: string[];
  taskFunctionId?: number;
  taskFunctionKey?: string;
  priority?: number;
  maxInstances?: number;
  misfireGraceTime?: number;
  coalesce?: boolean;
  isEnabled?: boolean;
  isPrimary?: boolean;
  overlap?: 'skip' | 'queue_one' | 'queue_all' | 'cancel_running' | 'allow';
  job?: string;
  count?: number;
}

export interface JobPreview {
  timetable: string;
  timezone: string;
  isEnabled: boolean;
  occurrences: MarkedOccurrence[];
  firstRunAt?: string;
  clockChanges: string[];
  difference?: JobDifference;
  overlaps?: ForeseenOverlaps;
  busiestMinute: BusyMinutes;
}

export interface NextRuns {
  occurrences: string[];
  items: NextOccurrence[];
}

export interface OccurrenceRequest {
  skip?: boolean;
  movedTo?: string;
  args?: unknown[];
  kwargs?: Record<string, unknown>;
  reason?: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  executionId?: string;
  id?: string;
  errors?: (Record<string, unknown>)[];
}

export interface SchedulerInstance {
  id: string;
  kind: string;
  name: string;
  hostName: string;
  pid: number;
  mode: string;
  status: string;
  isAlive: boolean;
  startedAt: string;
  lastHeartbeat: string;
}

export interface AfterRequest {
  job: string;
  when?: 'succeeded' | 'failed' | 'ended';
}

export interface Progress {
  done: number;
  total?: number;
}

export interface CheckFinding {
  check: string;
  holds?: boolean;
  reason: string;
  numbers: Record<string, unknown>;
}

export interface AlertDelivery {
  id: string;
  channelId?: number;
  channelName: string;
  ruleId?: number;
  ruleName?: string;
  kind: 'failed' | 'failing' | 'recovered' | 'missed' | 'late' | 'lost' | 'slow' | 'suspect' | 'succeeded' | 'completed' | 'beat_silent' | 'outbox_stuck' | 'test';
  state: 'gathering' | 'pending' | 'sent' | 'failed';
  count: number;
  alerts: Alert[];
  openedAt: string;
  lastAt: string;
  nextAt?: string;
  endedAt?: string;
  attempts: number;
  answer?: string;
  error?: string;
}

export interface MarkedOccurrence {
  at: string;
  local: string;
  mark?: string;
}

export interface JobDifference {
  spans: ComparedSpan[];
  comparedUntil?: string;
  kept: number;
  added: string[];
  removed: string[];
  moved: MovedOccurrence[];
}

export interface ForeseenOverlaps {
  p95Ms: number;
  number: number;
  first?: string;
}

export interface BusyMinutes {
  before: BusyMinute;
  after: BusyMinute;
}

export interface NextOccurrence {
  at: string;
  local: string;
  mark?: string;
  isPaused: boolean;
  change?: OccurrenceChangeReply;
}

export interface Alert {
  at: string;
  jobKey?: string;
  executionId?: string;
  text: string;
}

export interface ComparedSpan {
  begin: string;
  end: string;
}

export interface MovedOccurrence {
  before: string;
  after: string;
}

export interface BusyMinute {
  at?: string;
  number: number;
  isAtLeast: boolean;
}

export interface OccurrenceChangeReply {
  scheduledAt: string;
  isSkipped: boolean;
  movedTo?: string;
  hasOtherArguments: boolean;
  by: string;
  reason: string;
  madeAt: string;
  state: string;
}
