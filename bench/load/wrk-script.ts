import { randomInt } from 'node:crypto';
import { newRunNonce } from './idempotency-key.ts';
import { renderRequest, type LoadPlan, type RenderedRequest } from './plan.ts';

/** Marks the one line of wrk's output that is ours. */
export const RESULT_MARK = 'BENCH-RESULT ';

/** LuaJIT allows a function some 65,000 constants, of which each request brings two. */
const REQUESTS_A_FUNCTION = 10_000;

/**
 * wrk's script: requests are rendered here, Lua only joins them with a key made as in idempotency-key.ts.
 * LuaJIT's os.time knows whole seconds only, hence gettimeofday.
 */
export function renderWrkScript(host: string, plan: LoadPlan): string {
  const rendered = plan.requests.map((request) => renderRequest(host, request, plan.keyed));
  return `
local heads, tails = {}, {}
local function add(head, tail)
  heads[#heads + 1], tails[#tails + 1] = head, tail
end
${slices(rendered).map(luaAdding).join('\n')}
local keyed = ${plan.keyed}
local random_keys = ${plan.keys === 'random'}
local count = #heads
local index = 0
local counter = 0
local suffix = ""

local ffi = require("ffi")
ffi.cdef[[
  typedef struct { long seconds; long microseconds; } bench_time;
  int gettimeofday(bench_time *now, void *zone);
]]
local now = ffi.new("bench_time")
local format, floor = string.format, math.floor

local threads = 0
function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

function init()
  suffix = format("-${newRunNonce()}%02x", thread_number)
  math.randomseed(${randomInt(2 ** 31)} + thread_number)
  index = math.random(count)
end

local random = math.random
local function random_key()
  return format("%08x-%04x-4%03x-8%03x-%06x%06x", random(0, 4294967295), random(0, 65535), random(0, 4095),
    random(0, 4095), random(0, 16777215), random(0, 16777215))
end

local function next_key()
  counter = counter + 1
  ffi.C.gettimeofday(now, nil)
  local milliseconds = tonumber(now.seconds) * 1000 + floor(tonumber(now.microseconds) / 1000)
  return format("%08x-%04x-7%03x-8%03x", floor(milliseconds / 65536), milliseconds % 65536,
    counter % 4096, floor(counter / 4096) % 4096) .. suffix
end

function request()
  index = index % count + 1
  if keyed then return heads[index] .. (random_keys and random_key() or next_key()) .. tails[index] end
  return heads[index]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(format(
    '${RESULT_MARK}{"responses":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d,"badStatus":%d,"socketErrors":%d,"timeouts":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
`;
}

function slices(rendered: readonly RenderedRequest[]): (readonly RenderedRequest[])[] {
  return Array.from({ length: Math.ceil(rendered.length / REQUESTS_A_FUNCTION) }, (_, index) =>
    rendered.slice(index * REQUESTS_A_FUNCTION, (index + 1) * REQUESTS_A_FUNCTION),
  );
}

function luaAdding(slice: readonly RenderedRequest[]): string {
  const calls = slice.map(({ head, tail }) => `add(${luaString(head)}, ${luaString(tail)})`);
  return `;(function()\n${calls.join('\n')}\nend)()`;
}

/** JSON's escapes for what occurs here (quotes, backslashes, \r, \n) are Lua's as well. */
function luaString(text: string): string {
  return JSON.stringify(text);
}
