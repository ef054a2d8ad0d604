package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** One peer that talks to a bridge over no network: what it says is answered before {@link #say} returns. */
final class Dialogue implements AutoCloseable {
    static final int ERROR = 1;
    static final int ECHO_REQUEST = 2;
    static final int ECHO_REPLY = 3;

    private static final int CT_BYTES = 24;

    final EmbeddedChannel channel;
    final ManualClock clock = new ManualClock(Long.MAX_VALUE - 1_000_000, 0);
    final List<RuntimeException> failures = new ArrayList<>();
    final FakeSwitch bridge = new FakeSwitch();
    final Shared shared;
    final BridgeAgent agent;
    final OpenFlowConnection connection;
    /** Does what takes long; at once unless a test wants otherwise. */
    Executor elsewhere = Runnable::run;

    private final WireVersion version;

    Dialogue(WireVersion version) {
        this(version, Runtime.getRuntime().maxMemory(), 0);
    }

    /** @param memoryBytes what the budgets are parts of */
    Dialogue(WireVersion version, long memoryBytes, int inactivityProbeMs) {
        this(new EmbeddedChannel(), version, memoryBytes, inactivityProbeMs);
    }

    /** With a bridge that speaks no more versions than these. */
    Dialogue(WireVersion version, AllowedVersions spoken) {
        this(new EmbeddedChannel(), version, Runtime.getRuntime().maxMemory(), 0, spoken);
    }

    Dialogue(EmbeddedChannel channel, WireVersion version, long memoryBytes, int inactivityProbeMs) {
        this(channel, version, memoryBytes, inactivityProbeMs, AllowedVersions.ALL);
    }

    private Dialogue(
            EmbeddedChannel channel,
            WireVersion version,
            long memoryBytes,
            int inactivityProbeMs,
            AllowedVersions spoken) {
        this.channel = channel;
        this.version = version;
        shared = new Shared(clock, failures::add, memoryBytes, task -> elsewhere.execute(task));
        agent = new OpenFlowAgent(channel.eventLoop(), shared).attach(bridge);
        connection = new OpenFlowConnection(agent, true, inactivityProbeMs, OpenFlowConnection.GREETING_MS);
        agent.speak(spoken);
        channel.pipeline().addLast(new OpenFlowFramer(), connection);
        channel.freezeTime();
        connection.channelActive(channel.pipeline().context(connection));
        answers(); // the bridge's hello
    }

    Dialogue greeted() {
        say(message(0, 1, body -> {}));
        return this;
    }

    ByteBuf message(int type, int xid, Consumer<ByteBuf> body) {
        ByteBuf out = Unpooled.buffer();
        int start = Wire.startMessage(out, version, type, xid);
        body.accept(out);
        Wire.endMessage(out, start);
        return out;
    }

    ByteBuf message(MessageType type, int xid, Consumer<ByteBuf> body) {
        ByteBuf out = Unpooled.buffer();
        MessageFraming.write(out, type, version, xid, body);
        return out;
    }

    /** An ADD that matches all and outputs to the port; its priority is the cookie. */
    ByteBuf flow(int xid, int cookie, int port) {
        return message(
                MessageType.FLOW_MOD,
                xid,
                body -> body.writeLong(cookie)
                        .writeLong(0)
                        .writeByte(0)
                        .writeByte(0)
                        .writeZero(4)
                        .writeShort(cookie)
                        .writeInt(-1)
                        .writeInt(-1)
                        .writeInt(-1)
                        .writeZero(4)
                        .writeShort(1)
                        .writeShort(4)
                        .writeZero(4)
                        .writeShort(4)
                        .writeShort(24)
                        .writeZero(4)
                        .writeShort(0)
                        .writeShort(16)
                        .writeInt(port)
                        .writeZero(8));
    }

    /** An ADD that matches IPv4 and has one instruction with these bytes as its actions. */
    ByteBuf ipFlow(int xid, int priority, int instruction, ByteBuf actions) {
        return message(
                MessageType.FLOW_MOD,
                xid,
                body -> body.writeZero(22)
                        .writeShort(priority)
                        .writeInt(-1)
                        .writeInt(-1)
                        .writeInt(-1)
                        .writeZero(4)
                        .writeShort(1)
                        .writeShort(10)
                        .writeInt(0x80000a02)
                        .writeShort(0x800)
                        .writeZero(6)
                        .writeShort(instruction)
                        .writeShort(8 + actions.readableBytes())
                        .writeZero(4)
                        .writeBytes(actions, actions.readerIndex(), actions.readableBytes()));
    }

    /** ct(ct(ct(…))). */
    static ByteBuf nestedCt(int depth) {
        ByteBuf out = Unpooled.buffer();
        for (int i = depth; i > 0; i--) {
            out.writeShort(0xffff)
                    .writeShort(i * CT_BYTES)
                    .writeInt(0x2320)
                    .writeShort(35)
                    .writeShort(1)
                    .writeInt(0)
                    .writeShort(0)
                    .writeByte(255)
                    .writeZero(3)
                    .writeShort(0);
        }
        return out;
    }

    /** Says bytes and returns what is answered. */
    List<ByteBuf> say(ByteBuf bytes) {
        channel.writeInbound(bytes);
        settle();
        return answers();
    }

    /** Says a message; its error, or null if there is none. */
    OfErrorCode refusal(ByteBuf message) {
        int xid = message.getInt(Wire.XID_OFFSET);
        return say(message).stream()
                .filter(answer -> answer.getInt(Wire.XID_OFFSET) == xid)
                .map(Dialogue::error)
                .filter(error -> error != null)
                .reduce((first, last) -> last)
                .orElse(null);
    }

    /** The error that a message of OpenFlow 1.5 is; null if it is none. */
    static OfErrorCode error(ByteBuf message) {
        if (message.getUnsignedByte(Wire.TYPE_OFFSET) != ERROR) {
            return null;
        }
        int type = message.getUnsignedShort(Wire.HEADER_BYTES);
        int code = message.getUnsignedShort(Wire.HEADER_BYTES + 2);
        for (OfErrorCode each : OfErrorCode.values()) {
            OfErrorCode.Form form = each.in(WireVersion.OF15.code());
            if (form.type() == type && form.code() == code) {
                return each;
            }
        }
        throw new AssertionError("error " + type + " " + code);
    }

    /** Does everything that is queued, requests of later turns included. */
    void settle() {
        do { // time stands still: what is scheduled for now is done with all that it brings
            channel.runPendingTasks();
        } while (channel.hasPendingTasks());
    }

    /** Time goes on, and everything is looked after that is to be now. */
    void advance(Duration time) {
        clock.advance(time);
        channel.advanceTimeBy(time.toNanos(), TimeUnit.NANOSECONDS);
        settle();
    }

    List<ByteBuf> answers() {
        List<ByteBuf> answers = new ArrayList<>();
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            answers.add(Unpooled.copiedBuffer(out));
            out.release();
        }
        return answers;
    }

    @Override
    public void close() {
        channel.finishAndReleaseAll();
    }
}
