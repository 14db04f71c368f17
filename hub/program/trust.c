/* Energy Swap's opt-in trust mode on Solana. NOT AUDITED.
 *
 * Two things that Solana's own programs cannot do:
 *  - mint only what a registered meter has signed for: at most its net export between two readings, each of which
 *    counts once, when those in office ask for it, too, and into a token account of theirs;
 *  - an escrow for one sale that an arbiter can only give to its buyer, and that anybody can send back to its seller
 *    after a deadline.
 * The program has no owner. A mint belongs to it when its mint authority is the program's address for ("authority",
 * mint). Meters are registered by the mint's freeze authority, the community's approvers. They also appoint who is in
 * office, who may appoint others; that is kept at the same address. */
enum {
  TOO_MANY_ACCOUNTS = 100, WRONG_DATA, WRONG_PROGRAM, WRONG_STATE, WRONG_ADDRESS, NOT_SIGNED, WRONG_MINT,
  NO_READING, WRONG_METER, DOUBTED, REPLAYED, FALLING, FROM_THE_FUTURE, IMPOSSIBLE,
  WRONG_DESTINATION, TOO_EARLY, WRONG_VAULT, OVER, NOTHING, TOO_MUCH, SUSPENDED
};
#include "solana.h"

#define DECIMALS 3
#define READING_BYTES 80
#define EPOCH_STARTED 2 /* a reading's flag: registers began anew */
#define MAX_RATED_W 10000000ull
#define CLOCK_TOLERANCE 60

/* State of a meter. */
#define METER_TAG 2
#define METER_BYTES 144
#define M_KEY 8
#define M_MINT 40
#define M_ACCOUNT 72
#define M_RATED_W 104
#define M_SEQUENCE 112
#define M_TIME 120
#define M_EXPORT 128
#define M_IMPORT 136

/* Who is in office: mints with the meters, and owns the account that is minted into. */
#define OFFICE_TAG 3
#define OFFICE_BYTES 72
#define P_MINT 8
#define P_MINTERS 40

/* State of an order. */
#define ORDER_TAG 1
#define ORDER_BYTES 232
#define O_ID 8
#define O_WH 24
#define O_DEADLINE 32
#define O_MINT 40
#define O_VAULT 72
#define O_SELLER 104
#define O_BUYER 136
#define O_ARBITER 168
#define O_PAYER 200

static const u8 AUTHORITY[] = "authority";
static const u8 METER[] = "meter";
static const u8 ORDER[] = "order";
static const u8 MAGIC[] = "ESR1";
static const u8 SYSTEM[32] = {0};
static const u8 TOKEN_2022[32] = {6,   221, 246, 225, 238, 117, 143, 222, 24, 66,  93,  188, 228, 108, 205, 218,
                                  182, 26,  252, 77,  131, 185, 13,  39,  254, 189, 249, 40,  216, 161, 139, 252};
static const u8 ED25519[32] = {3, 125, 70,  214, 124, 147, 251, 190, 18,  249, 66,  143, 131, 141, 64,  255,
                               5, 112, 116, 73,  39,  244, 138, 100, 252, 202, 112, 68,  128, 0,   0,   0};
static const u8 INSTRUCTIONS[32] = {6,   167, 213, 23, 24,  123, 209, 102, 53,  218, 212, 4,   85, 253, 194, 192,
                                    193, 36,  198, 143, 33, 86,  117, 165, 219, 186, 203, 95,  8,  0,   0,   0};
/* One signature whose key, signature and 80 bytes of message lie in that same instruction, one after the other. */
static const u8 CANONICAL[16] = {1, 0, 48, 0, 255, 255, 16, 0, 255, 255, 112, 0, READING_BYTES, 0, 255, 255};

/* Whether `authority` has signed: itself, or as a Token-2022 multisig by enough members among the accounts. */
static int has_signed(const Context *c, const Account *authority, u64 first_signer) {
  if (authority->is_signer) return 1;
  const u8 *m = authority->data;
  if (!is_key(authority->owner, TOKEN_2022) || authority->data_len != 355 || m[2] != 1 || m[0] < 1 || m[1] > 11) return 0;
  u64 signed_by = 0;
  for (u64 member = 0; member < m[1]; member++)
    for (u64 i = first_signer; i < c->count; i++)
      if (c->accounts[i].is_signer && is_key(c->accounts[i].key, m + 3 + 32 * member)) {
        signed_by++;
        break;
      }
  return signed_by >= m[0];
}

/* Make the state account of the seeds. Step by step: an account that somebody sent lamports to cannot be created. */
static u64 make_state(Context *c, Account *state, Account *payer, Account *system, u64 bytes) {
  u64 lamports = read64(c->data + 1), seeds = c->seed_count;
  if (!is_key(system->key, SYSTEM)) return WRONG_PROGRAM;
  if (*state->lamports < lamports) {
    c->call_data[0] = 2;
    clear(c->call_data + 1, 3);
    write64(c->call_data + 4, lamports - *state->lamports);
    meta(c, 0, payer, 1, 1);
    meta(c, 1, state, 1, 0);
    c->seed_count = 0;
    u64 failed = call(c, system->key, 2, 12);
    if (failed) return failed;
    c->seed_count = seeds;
  }
  meta(c, 0, state, 1, 1);
  c->call_data[0] = 8;
  clear(c->call_data + 1, 3);
  write64(c->call_data + 4, bytes);
  u64 failed = call(c, system->key, 1, 12);
  if (failed) return failed;
  c->call_data[0] = 1;
  copy(c->call_data + 4, c->program->bytes, 32);
  return call(c, system->key, 1, 36);
}

static void authority_seeds(Context *c, const Account *mint) {
  seed(c, 0, AUTHORITY, 9);
  seed(c, 1, mint->key->bytes, 32);
}

/* Whether the mint is one of Token-2022, and its freeze authority `approvers` has signed. */
static u64 approved(const Context *c, const Account *mint, const Account *approvers, u64 first_signer) {
  if (!is_key(mint->owner, TOKEN_2022) || mint->data_len < 82 || mint->data[46] != 1) return WRONG_MINT;
  if (!is_key(approvers->key, mint->data + 50) || !has_signed(c, approvers, first_signer)) return NOT_SIGNED;
  return 0;
}

/* data: 0, lamports, meter, token account of its household, rated W, first sequence.
 * accounts: state, payer, system, mint, freeze authority, its signers. */
static u64 register_meter(Context *c) {
  Account *a = c->accounts, *state = a;
  const u8 *d = c->data;
  if (c->count < 5 || c->data_len != 89) return WRONG_DATA;
  u64 rated_w = read64(d + 73), first = read64(d + 81);
  if (rated_w > MAX_RATED_W) return WRONG_DATA;
  u64 failed = approved(c, &a[3], &a[4], 5);
  if (failed) return failed;
  seed(c, 0, METER, 5);
  seed(c, 1, a[3].key->bytes, 32);
  seed(c, 2, d + 9, 32);
  if (!is_own_address(c, state)) return WRONG_ADDRESS;
  u8 *s = state->data;
  if (!is_key(state->owner, c->program->bytes)) {
    failed = make_state(c, state, &a[1], &a[2], METER_BYTES);
    if (failed) return failed;
  }
  s[0] = METER_TAG;
  copy(s + M_KEY, d + 9, 32);
  copy(s + M_MINT, a[3].key->bytes, 32);
  copy(s + M_ACCOUNT, d + 41, 32);
  write64(s + M_RATED_W, rated_w);
  /* Registers that began anew count from a later reading on. What was counted before never counts again. */
  if (first > read64(s + M_SEQUENCE)) {
    write64(s + M_SEQUENCE, first);
    clear(s + M_TIME, 24);
  }
  return 0;
}

/* data: 5, lamports, who shall be in office.
 * accounts: the office (the program's authority over the mint), payer, system, mint, the mint's freeze authority or
 * those in office now, their signers. */
static u64 appoint(Context *c) {
  Account *a = c->accounts, *office = a;
  if (c->count < 5 || c->data_len != 41) return WRONG_DATA;
  authority_seeds(c, &a[3]);
  if (!is_own_address(c, office)) return WRONG_ADDRESS;
  u8 *s = office->data;
  if (is_key(office->owner, c->program->bytes) && is_key(a[4].key, s + P_MINTERS)) {
    if (!has_signed(c, &a[4], 5)) return NOT_SIGNED;
  } else {
    u64 failed = approved(c, &a[3], &a[4], 5);
    if (!failed && !is_key(office->owner, c->program->bytes)) failed = make_state(c, office, &a[1], &a[2], OFFICE_BYTES);
    if (failed) return failed;
  }
  s[0] = OFFICE_TAG;
  copy(s + P_MINT, a[3].key->bytes, 32);
  copy(s + P_MINTERS, c->data + 9, 32);
  return 0;
}

/* Find the reading whose signature the runtime has verified in instruction `index` of this transaction. */
static const u8 *verified_reading(const Account *instructions, u64 index, const u8 *meter) {
  const u8 *v = instructions->data;
  if (index >= read16(v)) return 0;
  const u8 *p = v + read16(v + 2 + 2 * index);
  if (read16(p) != 0 || !is_same(p + 2, ED25519, 32) || read16(p + 34) != 112 + READING_BYTES) return 0;
  p += 36;
  if (!is_same(p, CANONICAL, 16) || !is_same(p + 16, meter, 32)) return 0;
  return p + 112;
}

/* Whether a reading is this meter's, and the meter itself does not doubt it, `allowed` flags left out. */
static u64 check_reading(const u8 *s, const u8 *m, u8 allowed) {
  if (!is_same(m, MAGIC, 4) || !is_same(m + 4, s + M_KEY, 32)) return WRONG_METER;
  if ((m[76] & ~allowed) | m[77] | m[78] | m[79]) return DOUBTED;
  return 0;
}

/* Move the meter on to the reading `m`, if it shows a net export of at least `wh` since the reading `f`, and `f` is
 * none from before what was counted last. */
static u64 count_energy(Context *c, u8 *s, const u8 *f, const u8 *m, u64 wh) {
  u64 failed = check_reading(s, f, EPOCH_STARTED);
  if (!failed) failed = check_reading(s, m, 0);
  if (failed) return failed;
  u64 since = read64(f + 44), time = read64(m + 44);
  u64 old_export = read64(f + 52), old_import = read64(f + 60);
  u64 exported = read64(m + 52), imported = read64(m + 60);
  if (read64(f + 36) < read64(s + M_SEQUENCE) || read64(m + 36) <= read64(f + 36)) return REPLAYED;
  sol_get_clock_sysvar(&c->clock);
  if (time > c->clock.unix_time + CLOCK_TOLERANCE) return FROM_THE_FUTURE;
  if (since < read64(s + M_TIME) || time <= since) return REPLAYED;
  if (old_export < read64(s + M_EXPORT) || old_import < read64(s + M_IMPORT)) return FALLING;
  if (exported < old_export || imported < old_import) return FALLING;
  exported -= old_export;
  imported -= old_import;
  if (exported > read64(s + M_RATED_W) * 125 * (time - since) / 360000 + 2) return IMPOSSIBLE;
  if (exported < imported || exported - imported < wh) return TOO_MUCH;
  copy(s + M_SEQUENCE, m + 36, 32); /* sequence, time, export and import lie alike in both */
  return 0;
}

static void token_call(Context *c, u8 tag, u64 wh) {
  c->call_data[0] = tag;
  write64(c->call_data + 1, wh);
  c->call_data[9] = DECIMALS;
}

/* data: 1, index of the Ed25519 instruction with the earlier reading, of that with the later one, Wh.
 * accounts: meter state, mint, token account of those in office, authority, instructions sysvar, token program,
 * token account of the meter's household, those in office, their signers. */
static u64 mint_attested(Context *c) {
  Account *a = c->accounts;
  u8 *s = a[0].data;
  const u8 *office = a[3].data;
  if (c->count < 8 || c->data_len != 11) return WRONG_DATA;
  u64 wh = read64(c->data + 3);
  if (!wh) return NOTHING;
  if (!is_key(a[5].key, TOKEN_2022) || !is_key(a[4].key, INSTRUCTIONS)) return WRONG_PROGRAM;
  if (!is_key(a[0].owner, c->program->bytes) || a[0].data_len != METER_BYTES || s[0] != METER_TAG) return WRONG_STATE;
  if (!is_key(a[1].key, s + M_MINT)) return WRONG_MINT;
  authority_seeds(c, &a[1]);
  if (!is_own_address(c, &a[3])) return WRONG_ADDRESS;
  if (!is_key(a[3].owner, c->program->bytes) || a[3].data_len != OFFICE_BYTES || office[0] != OFFICE_TAG) return WRONG_STATE;
  if (!is_key(a[7].key, office + P_MINTERS) || !has_signed(c, &a[7], 8)) return NOT_SIGNED;
  if (a[2].data_len < 165 || !is_same(a[2].data + 32, office + P_MINTERS, 32)) return WRONG_DESTINATION;
  if (!is_key(a[6].key, s + M_ACCOUNT)) return WRONG_DESTINATION;
  if (!is_key(a[6].owner, TOKEN_2022) || a[6].data_len < 165 || a[6].data[108] != 1) return SUSPENDED;
  const u8 *earlier = verified_reading(&a[4], c->data[1], s + M_KEY);
  const u8 *later = verified_reading(&a[4], c->data[2], s + M_KEY);
  if (!earlier || !later) return NO_READING;
  u64 failed = count_energy(c, s, earlier, later, wh);
  if (failed) return failed;
  token_call(c, 14, wh);
  meta(c, 0, &a[1], 1, 0);
  meta(c, 1, &a[2], 1, 0);
  meta(c, 2, &a[3], 0, 1);
  return call(c, a[5].key, 3, 10);
}

static u64 move(Context *c, u64 from, u64 mint, u64 to, u64 authority) {
  meta(c, 0, &c->accounts[from], 1, 0);
  meta(c, 1, &c->accounts[mint], 0, 0);
  meta(c, 2, &c->accounts[to], 1, 0);
  meta(c, 3, &c->accounts[authority], 0, 1);
  return 0;
}

/* data: 2, lamports, id, Wh, deadline.
 * accounts: state, payer, system, mint, token program, seller's owner, seller's account, vault, buyer's account,
 * arbiter, authority. */
static u64 open_order(Context *c) {
  Account *a = c->accounts;
  const u8 *d = c->data;
  if (c->count < 11 || c->data_len != 41) return WRONG_DATA;
  u64 wh = read64(d + 25), deadline = read64(d + 33);
  if (!wh) return NOTHING;
  sol_get_clock_sysvar(&c->clock);
  if (deadline <= c->clock.unix_time) return OVER;
  if (!is_key(a[4].key, TOKEN_2022)) return WRONG_PROGRAM;
  if (!a[5].is_signer || a[6].data_len < 165 || !is_same(a[6].data + 32, a[5].key->bytes, 32)) return NOT_SIGNED;
  authority_seeds(c, &a[3]);
  if (!is_own_address(c, &a[10])) return WRONG_ADDRESS;
  if (a[7].data_len < 165 || !is_same(a[7].data + 32, a[10].key->bytes, 32)) return WRONG_VAULT;
  if (is_key(a[6].key, a[7].key->bytes)) return WRONG_VAULT;
  seed(c, 0, ORDER, 5);
  seed(c, 1, a[3].key->bytes, 32);
  seed(c, 2, d + 9, 16);
  if (!is_own_address(c, &a[0])) return WRONG_ADDRESS;
  u64 failed = make_state(c, &a[0], &a[1], &a[2], ORDER_BYTES);
  if (failed) return failed;
  u8 *s = a[0].data;
  s[0] = ORDER_TAG;
  copy(s + O_ID, d + 9, 32); /* with Wh and deadline, which follow it in both */
  copy(s + O_MINT, a[3].key->bytes, 32);
  copy(s + O_VAULT, a[7].key->bytes, 32);
  copy(s + O_SELLER, a[6].key->bytes, 32);
  copy(s + O_BUYER, a[8].key->bytes, 32);
  copy(s + O_ARBITER, a[9].key->bytes, 32);
  copy(s + O_PAYER, a[1].key->bytes, 32);
  c->seed_count = 0;
  token_call(c, 12, wh);
  move(c, 6, 3, 7, 5);
  return call(c, a[4].key, 4, 10);
}

/* data: 3 to release, 4 to refund.
 * accounts: state, payer of the state's rent, mint, token program, vault, destination, authority; to release also
 * the arbiter and its signers. */
static u64 close_order(Context *c, int is_refund) {
  Account *a = c->accounts;
  u8 *s = a[0].data;
  if (c->count < (is_refund ? 7 : 8) || c->data_len != 1) return WRONG_DATA;
  if (!is_key(a[3].key, TOKEN_2022)) return WRONG_PROGRAM;
  if (!is_key(a[0].owner, c->program->bytes) || a[0].data_len != ORDER_BYTES || s[0] != ORDER_TAG) return WRONG_STATE;
  if (!is_key(a[1].key, s + O_PAYER) || !is_key(a[4].key, s + O_VAULT)) return WRONG_VAULT;
  if (!is_key(a[2].key, s + O_MINT)) return WRONG_MINT;
  if (is_refund) {
    sol_get_clock_sysvar(&c->clock);
    if (c->clock.unix_time <= read64(s + O_DEADLINE)) return TOO_EARLY;
    if (!is_key(a[5].key, s + O_SELLER)) return WRONG_DESTINATION;
  } else {
    if (!is_key(a[7].key, s + O_ARBITER) || !has_signed(c, &a[7], 8)) return NOT_SIGNED;
    if (!is_key(a[5].key, s + O_BUYER)) return WRONG_DESTINATION;
  }
  authority_seeds(c, &a[2]);
  if (!is_own_address(c, &a[6])) return WRONG_ADDRESS;
  token_call(c, 12, read64(s + O_WH));
  move(c, 4, 2, 5, 6);
  u64 failed = call(c, a[3].key, 4, 10);
  if (failed) return failed;
  clear(s, ORDER_BYTES);
  *a[1].lamports += *a[0].lamports;
  *a[0].lamports = 0;
  return 0;
}

u64 entrypoint(u8 *input) {
  Context *c = (Context *)HEAP;
  u64 failed = read_input(input, c);
  if (failed) return failed;
  if (!c->data_len) return WRONG_DATA;
  u8 what = c->data[0];
  if (what == 0) return register_meter(c);
  if (what == 1) return mint_attested(c);
  if (what == 2) return open_order(c);
  if (what == 3) return close_order(c, 0);
  if (what == 4) return close_order(c, 1);
  if (what == 5) return appoint(c);
  return WRONG_DATA;
}
