/* What Solana's runtime gives a program: accounts in its input, system calls, and how to call another program.
 *
 * Upstream BPF compilers know neither: a call takes at most five arguments, a function has 512 bytes of stack, and
 * there is no writable data. So all that is larger lives in `Context`, at the start of the heap. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned long long u64;

#define MAX_ACCOUNTS 24
#define HEAP 0x300000000ull
#define SPARE_BYTES 10240 /* after each account's data, for growth */
#define DUPLICATE_OF_NONE 255

typedef struct { u8 bytes[32]; } Key;

/* The layouts of Solana's C interface. */
typedef struct {
  Key *key;
  u64 *lamports;
  u64 data_len;
  u8 *data;
  Key *owner;
  u64 rent_epoch;
  u8 is_signer, is_writable, executable, padding[5];
} Account;
typedef struct { Key *key; u8 is_writable, is_signer, padding[6]; } AccountMeta;
typedef struct { Key *program; AccountMeta *accounts; u64 account_count; u8 *data; u64 data_len; } Instruction;
typedef struct { const u8 *start; u64 len; } Seed;
typedef struct { const Seed *seeds; u64 count; } Signer;
typedef struct { u64 slot, epoch_start, epoch, schedule_epoch, unix_time; } Clock;

extern u64 sol_invoke_signed_c(const Instruction *, const Account *, u64, const Signer *, u64);
extern u64 sol_get_clock_sysvar(Clock *);
extern u64 sol_try_find_program_address(const Seed *, u64, const Key *, Key *, u8 *);

typedef struct {
  Account accounts[MAX_ACCOUNTS];
  u64 count;
  u8 *data;
  u64 data_len;
  Key *program;
  Seed seeds[4];
  u64 seed_count;
  Signer signer;
  Instruction call;
  AccountMeta metas[4];
  u8 call_data[56];
  Key address;
  u8 bump[8];
  Clock clock;
} Context;

static int is_same(const u8 *a, const u8 *b, u64 size) {
  for (u64 i = 0; i < size; i++)
    if (a[i] != b[i]) return 0;
  return 1;
}

static int is_key(const Key *a, const u8 *b) { return is_same(a->bytes, b, 32); }

static void copy(u8 *to, const u8 *from, u64 size) {
  for (u64 i = 0; i < size; i++) to[i] = from[i];
}

static void clear(u8 *at, u64 size) {
  for (u64 i = 0; i < size; i++) at[i] = 0;
}

static u64 read16(const u8 *p) { return (u64)p[0] | (u64)p[1] << 8; }

static u64 read64(const u8 *p) {
  u64 value = 0;
  for (u64 i = 8; i > 0; i--) value = value << 8 | p[i - 1];
  return value;
}

static void write64(u8 *p, u64 value) {
  for (u64 i = 0; i < 8; i++) {
    p[i] = (u8)value;
    value >>= 8;
  }
}

/* Read the runtime's serialised input. */
static u64 read_input(u8 *input, Context *c) {
  u64 count = read64(input);
  u8 *p = input + 8;
  if (count > MAX_ACCOUNTS) return TOO_MANY_ACCOUNTS;
  c->count = count;
  for (u64 i = 0; i < count; i++) {
    Account *a = &c->accounts[i];
    if (*p != DUPLICATE_OF_NONE) {
      if (*p >= i) return TOO_MANY_ACCOUNTS;
      copy((u8 *)a, (u8 *)&c->accounts[*p], sizeof(Account));
      p += 8;
      continue;
    }
    a->is_signer = p[1];
    a->is_writable = p[2];
    a->executable = p[3];
    a->key = (Key *)(p + 8);
    a->owner = (Key *)(p + 40);
    a->lamports = (u64 *)(p + 72);
    a->data_len = read64(p + 80);
    a->data = p + 88;
    p += 88 + a->data_len + SPARE_BYTES;
    p += (8 - ((u64)p & 7)) & 7;
    a->rent_epoch = read64(p);
    p += 8;
  }
  c->data_len = read64(p);
  c->data = p + 8;
  c->program = (Key *)(c->data + c->data_len);
  return 0;
}

static void seed(Context *c, u64 index, const u8 *start, u64 len) {
  c->seeds[index].start = start;
  c->seeds[index].len = len;
  c->seed_count = index + 1;
}

/* Whether `account` is this program's one address for the seeds; its bump becomes the last seed, to sign with. */
static int is_own_address(Context *c, const Account *account) {
  if (sol_try_find_program_address(c->seeds, c->seed_count, c->program, &c->address, c->bump)) return 0;
  seed(c, c->seed_count, c->bump, 1);
  return is_key(account->key, c->address.bytes);
}

static void meta(Context *c, u64 index, const Account *account, u8 is_writable, u8 is_signer) {
  c->metas[index].key = account->key;
  c->metas[index].is_writable = is_writable;
  c->metas[index].is_signer = is_signer;
}

/* Call `program` with the metas and the data in the context, signed for the address of the seeds, if any. */
static u64 call(Context *c, Key *program, u64 account_count, u64 data_len) {
  c->call.program = program;
  c->call.accounts = c->metas;
  c->call.account_count = account_count;
  c->call.data = c->call_data;
  c->call.data_len = data_len;
  c->signer.seeds = c->seeds;
  c->signer.count = c->seed_count;
  return sol_invoke_signed_c(&c->call, c->accounts, c->count, &c->signer, c->seed_count ? 1 : 0);
}
