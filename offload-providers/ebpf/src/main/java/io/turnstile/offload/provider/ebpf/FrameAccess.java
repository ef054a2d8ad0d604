package io.turnstile.offload.provider.ebpf;

import io.turnstile.bpf.asm.Register;

/**
 * How a program gets at the frame that it runs for: what differs between kinds of contexts. Each method writes
 * instructions; R6 is the context, R7 the slot, and R0 to R5 may be overwritten. Labels are those of {@link PathSteps}.
 */
interface FrameAccess {
    /** Goes to {@code show} with frames that did not come in just now. The slot is not there yet. */
    void ignoreOthers();

    /** The first look at the frame. R1: its EtherType behind a tag, as it stands on the wire. */
    void begin();

    /** Copies the frame's first bytes, without its tag, into the slot; {@code up} if it has not so many. */
    void copyHeader(int bytes);

    void loadIfindex(Register into);

    /** Loads the frame's length without its tag. */
    void loadLength(Register into);

    /**
     * Copies what a TCP header has behind the bytes of {@link #copyHeader} to {@link PathSteps#TCP_WORD}; {@code up} if
     * the frame has not so much.
     *
     * @param transport where the header begins in a frame without tag
     */
    void copyTcpWord(int transport);

    /** The transport's header is known, R8 being its length with all that follows; keeps R7 to R9. */
    void checkTransport(int transport);

    /** The path is found, R8; keeps R7 to R9. */
    void checkPath();

    /**
     * Loads the frame's tag, 0 without one, and leaves it in {@link PathSteps#TAG}; {@code guarded} if it has one of
     * another kind.
     */
    void loadTag(Register into);

    /**
     * Goes to {@code guarded} if the frame, or one of its segments, is too long. On entry R2 is the longest frame that
     * may be, R4 the length and R9 that of the headers; R5: how many segments there are. Keeps R4.
     */
    void countSegments();
}
