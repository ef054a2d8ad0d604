package io.turnstile.openflow;

/**
 * Something long to be sent: it is made piece by piece as the peer takes it, so that it is never there as a whole and
 * others of the event loop have their turn in between. Event loop thread only.
 */
interface LongReply {
    /**
     * Makes the next piece and sends it: about one message, and no more work than a moment's. Called only while the
     * peer takes more.
     *
     * @return false once everything is sent
     */
    boolean proceed();

    /** Something short that has to wait its turn. */
    static LongReply once(Runnable sending, Runnable abandoning) {
        return new LongReply() {
            @Override
            public boolean proceed() {
                sending.run();
                return false;
            }

            @Override
            public void abandon() {
                abandoning.run();
            }
        };
    }

    /** The connection has ended before the reply: lets go of what has not been sent. */
    void abandon();

    /** How many things the reply keeps alive until it is sent, if it was not asked for. */
    default int items() {
        return 0;
    }

    /** What the list takes that it is made from, until it is sent. */
    default long heldBytes() {
        return 0;
    }
}
