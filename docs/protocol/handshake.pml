/* Two nodes that key their tunnel by handshakes: who installs which PSK when messages are delayed, lost and
 * reordered, connections break, either end restarts, and both dial at once. The rules are those of
 * docs/protocol/handshake.md ("Who dials, and what is taken"); cryptography is a key that either arrives or
 * does not. Time is left out: a handshake "dies" at any moment its deadline could have come, and the doubt
 * of whoever sent its M3 ends after it and after all that began before it, as the deadlines have it.
 *
 * tests/sim/handshake_spin_test.ts runs it (X0_SPIN=1): safety breadth first, then, under weak fairness, that
 * both ends come to agree once the network works, from whatever state it was in.
 *
 * Exhaustive within CONNS handshakes in the network at once; core/handshake/machine.ts itself is explored
 * by tests/sim/handshake_explorer.ts.
 */

#ifndef CONNS
#define CONNS 2
#endif
/* Keys: one for each connection and each end, and one to spare. */
#define KEYS 5
#define NONE 0

/* What an end waits for when it doesn't dial. */
mtype = { due, content };

typedef Node {
  byte key;         /* the agreed PSK; NONE: a random one */
  bool dialing;
  bool proved;      /* M3 of the dial was let go */
  byte conn;        /* connection of the dial */
  bool doubt;       /* an M3 of ours whose fate is unknown may still be taken */
  mtype turn;
};

typedef Conn {
  byte flight;      /* 0: free; 1-4: that message is on its way; 5: the refusal in M4's place */
  bit from;         /* the initiator */
  byte key;
  bool open;        /* the initiator listens */
  bool orphan;      /* the responder restarted */
  bool stale;       /* older than the responder's last completed handshake with this peer */
  bool early;       /* its M1 came before the responder let its own M3 go: dead before the doubt ends */
  bool after;       /* its M1 came after the other connection's, at the same responder */
};

Node n[2];
Conn c[CONNS];
bool calm;          /* the network works from now on, nobody restarts */

#define resting (!n[0].dialing && !n[1].dialing && n[0].turn == content && n[1].turn == content && \
                 c[0].flight == 0 && c[1].flight == 0)
#define agreeing (resting && n[0].key != NONE && n[0].key == n[1].key)

/* A key that nobody holds. */
inline fresh(KEY) {
  KEY = 1;
  do
  :: (KEY == n[0].key || KEY == n[1].key || (c[0].flight && KEY == c[0].key) ||
      (c[1].flight && KEY == c[1].key)) -> KEY++
  :: else -> break
  od;
  assert(KEY <= KEYS)
}

inline free(AT) {
  c[AT].flight = 0; c[AT].key = 0; c[AT].from = 0; c[AT].open = false; c[AT].orphan = false;
  c[AT].stale = false; c[AT].early = false; c[AT].after = false;
  c[1 - AT].after = false
}

/* The dial of `e` is over; `known`: the peer said that it did not install. */
inline fail(END, KNOWN) {
  i_ = n[END].conn;
  if
  :: n[END].proved && !KNOWN -> n[END].doubt = true
  :: else -> skip
  fi;
  n[END].dialing = false; n[END].proved = false; n[END].turn = due;
  if
  :: c[i_].flight != 0 && c[i_].from == END && c[i_].open && c[i_].flight == 3 -> c[i_].open = false
  :: c[i_].flight != 0 && c[i_].from == END && c[i_].open && c[i_].flight != 3 -> free(i_)
  :: else -> skip
  fi;
  i_ = 0
}

inline install(END, KEY) {
  n[END].key = KEY; n[END].turn = content; n[END].doubt = false
}

inline dial(END, AT) {
  n[END].dialing = true; n[END].proved = false; n[END].conn = AT;
  c[AT].from = END; c[AT].open = true; c[AT].orphan = false; c[AT].stale = false; c[AT].after = false;
  c[AT].early = false; fresh(k_); c[AT].key = k_; k_ = 0;
  c[AT].flight = 1
}

inline deliver(AT) {
  e_ = c[AT].from;
  if
  :: c[AT].flight == 1 -> /* M1 */
     c[AT].flight = 2;
     c[AT].after = (c[1 - AT].flight > 1 && c[1 - AT].from == c[AT].from)
  :: c[AT].flight == 2 -> /* M2: M3 may go */
     n[e_].proved = true;
     if
     :: c[1 - AT].flight > 1 && c[1 - AT].from != e_ -> c[1 - AT].early = true
     :: else -> skip
     fi;
     if
     :: c[AT].orphan -> free(AT) /* nobody hears it; the dial fails later */
     :: else -> c[AT].flight = 3
     fi
  :: c[AT].flight == 3 -> /* M3, at the other end */
     r_ = 1 - e_;
     if
     :: c[AT].stale || n[r_].doubt || (n[r_].dialing && n[r_].proved) -> /* refuse */
        if
        :: c[AT].open -> c[AT].flight = 5
        :: else -> free(AT)
        fi
     :: else ->
        if
        :: n[r_].dialing ->
           i_ = n[r_].conn;
           if
           :: c[i_].flight != 0 && c[i_].from == r_ && c[i_].open -> free(i_)
           :: else -> skip
           fi;
           i_ = 0;
           n[r_].dialing = false
        :: else -> skip
        fi;
        install(r_, c[AT].key);
        /* The barrier: this one, and of the other ones those that began before it. */
        if
        :: c[1 - AT].flight > 1 && c[1 - AT].from == e_ && c[AT].after -> c[1 - AT].stale = true
        :: else -> skip
        fi;
        if
        :: c[AT].open -> c[AT].flight = 4
        :: else -> free(AT)
        fi
     fi;
     r_ = 0
  :: c[AT].flight == 4 -> /* M4 */
     install(e_, c[AT].key);
     n[e_].dialing = false; n[e_].proved = false;
     /* The barrier: every handshake of the peer that began before now. */
     if
     :: c[1 - AT].flight > 1 && c[1 - AT].from != e_ -> c[1 - AT].stale = true
     :: else -> skip
     fi;
     free(AT)
  :: c[AT].flight == 5 -> /* the refusal */
     free(AT);
     n[e_].dialing = false; n[e_].proved = false; n[e_].turn = due
  fi;
  e_ = 0
}

/* All is lost but what is on its way from the restarted end. */
inline crash(END, AT) {
  if
  :: c[AT].flight == 0 -> skip
  :: c[AT].flight != 0 && c[AT].from == END ->
     if
     :: c[AT].flight == 3 -> c[AT].open = false
     :: else -> free(AT)
     fi
  :: c[AT].flight != 0 && c[AT].from != END ->
     if
     :: (c[AT].flight == 1 || c[AT].flight == 3) ->
        free(AT)
     :: else -> c[AT].orphan = true
     fi
  fi
}

#define carried(e) (c[n[e].conn].flight != 0 && c[n[e].conn].from == e && c[n[e].conn].open)

#define sent(i, e) (c[i].flight == 3 && c[i].from == e)
#define old(i, e) ((c[i].flight == 2 || c[i].flight == 3) && c[i].from != e && c[i].early)

/* The timers of an end. When the network works, the higher node leaves the first word to the lower one. */
proctype Peer(bit e) {
  byte k_, i_, e_, r_;
end:
  do
  :: d_step { !n[e].dialing && (n[e].turn == due || !calm) && c[0].flight == 0 &&
       (e == 0 || !calm || (!n[0].dialing && n[0].turn == content)) -> dial(e, 0) }
  :: d_step { !n[e].dialing && (n[e].turn == due || !calm) && c[0].flight != 0 && c[1].flight == 0 &&
       (e == 0 || !calm || (!n[0].dialing && n[0].turn == content)) -> dial(e, 1) }
  /* The connection is gone. */
  :: d_step { n[e].dialing && !carried(e) -> fail(e, false) }
  /* Neither what we sent can be taken any more, nor what began before it. */
  :: d_step { n[e].doubt && !sent(0, e) && !sent(1, e) && !old(0, e) && !old(1, e) ->
       n[e].doubt = false }
  /* The deadline, or an end that has it enough. */
  :: d_step { n[e].dialing && !calm -> fail(e, false) }
  od
}

/* A connection: its messages arrive, or are lost or dead of age. */
proctype Wire(bit i) {
  byte k_, i_, e_, r_;
end:
  do
  :: d_step { c[i].flight != 0 -> deliver(i) }
  :: d_step { c[i].flight != 0 && !calm -> free(i) }
  od
}

/* Restarts, PSKs that expire or that a kernel refuses, until the network is calm. */
proctype Trouble() {
  byte k_, i_, e_, r_;
  do
  :: d_step { !calm -> crash(0, 0); crash(0, 1); n[0].key = NONE; n[0].dialing = false;
       n[0].proved = false; n[0].conn = 0; n[0].doubt = false; n[0].turn = due }
  :: d_step { !calm -> crash(1, 0); crash(1, 1); n[1].key = NONE; n[1].dialing = false;
       n[1].proved = false; n[1].conn = 0; n[1].doubt = false; n[1].turn = due }
  :: d_step { !calm && !n[0].dialing -> n[0].key = NONE; n[0].turn = due }
  :: d_step { !calm && !n[1].dialing -> n[1].key = NONE; n[1].turn = due }
  :: d_step { calm = true } -> break
  od
}

/* Nothing is under way and nothing is due: then both hold the same agreed PSK. */
active proctype Monitor() {
  atomic { resting -> assert(n[0].key != NONE && n[0].key == n[1].key) }
}

init {
  atomic {
    n[0].turn = due; n[1].turn = due;
    run Peer(0); run Peer(1); run Wire(0); run Wire(1); run Trouble()
  }
}

ltl live { [] (calm -> <> agreeing) }
