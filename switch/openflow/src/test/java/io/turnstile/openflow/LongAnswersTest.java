package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.OfErrorCode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Answers that are sent piece by piece, changes that take long, and the requests that wait for them. */
class LongAnswersTest {
    private static final int FLOWS = 3_000;
    private static final int MULTIPART_REQUEST = 18;
    private static final int MULTIPART_REPLY = 19;
    private static final int FLOW_REMOVED = 11;
    private static final int MORE = 1;
    private static final int WRITABILITY = 1;
    private static final int REFUSED_PORT = 666;

    private final Dialogue peer = new Dialogue(WireVersion.OF13).greeted();

    @AfterEach
    void close() {
        peer.close();
    }

    /** Statistics of all flows. */
    private ByteBuf request(int xid, int kind) {
        return peer.message(
                MULTIPART_REQUEST,
                xid,
                body -> body.writeShort(kind)
                        .writeZero(6)
                        .writeByte(0xff)
                        .writeZero(3)
                        .writeInt(-1)
                        .writeInt(-1)
                        .writeZero(4)
                        .writeLong(0)
                        .writeLong(0)
                        .writeShort(1)
                        .writeShort(4)
                        .writeZero(4));
    }

    private ByteBuf echo(int xid) {
        return peer.message(Dialogue.ECHO_REQUEST, xid, body -> {});
    }

    private ByteBuf together(ByteBuf... messages) {
        return Unpooled.wrappedBuffer(messages);
    }

    private void addFlows() throws Exception {
        for (int i = 0; i < FLOWS; i++) {
            peer.bridge.apply(FlowText.parseFlowMod(FlowMod.Command.ADD, "priority=" + i + ",ip,actions=1"));
        }
    }

    private static int type(ByteBuf message) {
        return message.getUnsignedByte(Wire.TYPE_OFFSET);
    }

    private static List<Integer> xids(List<ByteBuf> messages) {
        return messages.stream()
                .map(message -> message.getInt(Wire.XID_OFFSET))
                .distinct()
                .toList();
    }

    private static int entries(ByteBuf reply) {
        int count = 0;
        for (int at = 16; at < reply.readableBytes(); at += reply.getUnsignedShort(at)) {
            count++;
        }
        return count;
    }

    private void setReading(boolean reads) {
        peer.channel.unsafe().outboundBuffer().setUserDefinedWritability(WRITABILITY, reads);
    }

    @Test
    void aDumpIsWholeAndWhatIsAskedAfterItIsAnsweredAfterIt() throws Exception {
        addFlows();
        List<ByteBuf> answers = peer.say(together(echo(1), request(2, 1), echo(3), request(4, 2), echo(5)));
        assertThat(xids(answers)).containsExactly(1, 2, 3, 4, 5);
        List<ByteBuf> dump = answers.stream()
                .filter(answer -> answer.getInt(Wire.XID_OFFSET) == 2)
                .toList();
        assertThat(dump).hasSizeGreaterThan(3).allMatch(message -> type(message) == MULTIPART_REPLY);
        assertThat(dump.stream().mapToInt(LongAnswersTest::entries).sum()).isEqualTo(FLOWS);
        assertThat(dump.subList(0, dump.size() - 1)).allMatch(message -> message.getUnsignedShort(10) == MORE);
        assertThat(dump.getLast().getUnsignedShort(10)).isZero();
        ByteBuf totals = answers.get(answers.size() - 2);
        assertThat(totals.getLong(16)).as("packets").isEqualTo(7L * FLOWS);
        assertThat(totals.getInt(32)).as("flows").isEqualTo(FLOWS);
    }

    @Test
    void aPeerThatDoesNotReadGetsNoMore() {
        List<String> pieces = new ArrayList<>();
        EmbeddedChannel channel = peer.channel;
        ReplyPump pump = new ReplyPump(channel, () -> pieces.add("done"), failure -> pieces.add("failed"));
        pump.start(counted(pieces, "a", 3));
        pump.start(counted(pieces, "b", 1));
        assertThat(pieces).containsExactly("a1");
        setReading(false);
        channel.runPendingTasks();
        assertThat(pieces).containsExactly("a1");
        assertThat(pump.isBusy()).isTrue();
        setReading(true);
        pump.goOn();
        channel.runPendingTasks();
        assertThat(pieces).containsExactly("a1", "a2", "a3", "b1", "done");
        assertThat(pump.isBusy()).isFalse();
    }

    @Test
    void whatIsNotSentIsLetGoAtTheEndOfAConnection() {
        List<String> pieces = new ArrayList<>();
        ReplyPump pump = new ReplyPump(peer.channel, () -> pieces.add("done"), failure -> pieces.add("failed"));
        pump.start(counted(pieces, "a", 3));
        pump.start(counted(pieces, "b", 3));
        pump.close();
        peer.channel.runPendingTasks();
        pump.start(counted(pieces, "c", 3));
        assertThat(pieces).containsExactly("a1", "a abandoned", "b abandoned", "c abandoned");
    }

    /** A reply that cannot be made, and of which nothing can be let go. */
    private static LongReply broken() {
        return new LongReply() {
            @Override
            public boolean proceed() {
                throw new StackOverflowError("as the test wants it");
            }

            @Override
            public void abandon() {
                throw new IllegalStateException("as the test wants it");
            }
        };
    }

    @Test
    void aReplyThatCannotBeMadeEndsItsConnectionEvenIfItCannotBeAbandoned() {
        List<String> pieces = new ArrayList<>();
        ReplyPump pump = new ReplyPump(peer.channel, () -> pieces.add("done"), failure -> pieces.add("failed"));
        pump.start(broken());
        assertThat(pieces).containsExactly("failed");
        assertThat(pump.isBusy()).isFalse();
    }

    @Test
    void whatCannotBeAbandonedDoesNotKeepTheRestFromIt() {
        List<String> pieces = new ArrayList<>();
        ReplyPump pump = new ReplyPump(peer.channel, () -> pieces.add("done"), failure -> pieces.add("failed"));
        setReading(false);
        pump.start(broken());
        pump.start(counted(pieces, "b", 3));
        pump.close();
        assertThat(pieces).containsExactly("b abandoned");
    }

    @Test
    void anAnswerThatCannotBeFoundElsewhereEndsItsConnection() {
        peer.connection.doElsewhere(() -> {
            throw new StackOverflowError("as the test wants it");
        });
        peer.settle();
        assertThat(peer.channel.isOpen()).isFalse();
    }

    @Test
    void aRequestForWhichThereIsNoThreadIsRefusedAndTheNextIsDone() {
        peer.bridge.slow = true;
        peer.elsewhere = task -> {
            throw new RejectedExecutionException("as the test wants it");
        };
        List<ByteBuf> answers = peer.say(together(portMod(7), echo(8)));
        assertThat(xids(answers)).containsExactly(7, 8);
        assertThat(Dialogue.error(answers.getFirst())).isEqualTo(OfErrorCode.OFPBRC_EPERM);
    }

    /** Peers that ask for a long change and go, again and again. */
    @Test
    void changesWaitForTheirThreadUpToANumber() {
        Executor committer = OpenFlowAgent.committer();
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goesOn = new CountDownLatch(1);
        CountDownLatch made = new CountDownLatch(OpenFlowAgent.MOST_CHANGES_WAITING);
        committer.execute(() -> {
            begun.countDown();
            awaitPatiently(goesOn);
        });
        awaitPatiently(begun);
        for (int i = 0; i < OpenFlowAgent.MOST_CHANGES_WAITING; i++) {
            committer.execute(made::countDown);
        }
        assertThatThrownBy(() -> committer.execute(made::countDown)).isInstanceOf(RejectedExecutionException.class);
        goesOn.countDown();
        awaitPatiently(made);
    }

    private static void awaitPatiently(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Has port 1 not receive. */
    private ByteBuf portMod(int xid) {
        return peer.message(
                MessageType.PORT_MOD,
                xid,
                body -> body.writeInt(1)
                        .writeZero(4)
                        .writeShort(0xaa55)
                        .writeInt(0xaa55000f)
                        .writeZero(2)
                        .writeInt(4)
                        .writeInt(4)
                        .writeZero(8));
    }

    private int configOfPort1() {
        return peer.bridge.ports.stream()
                .filter(port -> port.number() == 1)
                .findFirst()
                .orElseThrow()
                .config();
    }

    @Test
    void aPortsChangeIsMadeElsewhereForItMayHaveToWait() {
        List<Runnable> later = new ArrayList<>();
        peer.elsewhere = later::add;
        assertThat(peer.say(together(portMod(7), echo(8))))
                .as("answers before the change")
                .isEmpty();
        assertThat(configOfPort1()).as("who asks does not wait for the bridge").isZero();
        assertThat(later).hasSize(1);
        later.getFirst().run();
        peer.settle();
        assertThat(xids(peer.answers())).containsExactly(8);
        assertThat(configOfPort1()).isEqualTo(4);
    }

    /** All connections of zone 5. */
    private ByteBuf flushZone(int xid) {
        return peer.message(
                MessageType.NXT_CT_FLUSH_ZONE, xid, body -> body.writeZero(6).writeShort(5));
    }

    /** ICMP connections. */
    private ByteBuf flush(int xid) {
        return peer.message(
                MessageType.NXT_CT_FLUSH, xid, body -> body.writeByte(1).writeZero(7));
    }

    private ByteBuf barrier(int xid) {
        return peer.message(MessageType.BARRIER_REQUEST, xid, body -> {});
    }

    @Test
    void aFlushIsDoneElsewhereAndABarrierWaitsForIt() {
        List<Runnable> later = new ArrayList<>();
        peer.elsewhere = later::add;
        assertThat(peer.say(together(flushZone(7), barrier(8), flush(9), barrier(10))))
                .as("answers before the flush")
                .isEmpty();
        assertThat(peer.bridge.flushes).as("who asks does not flush").isEmpty();
        assertThat(later).hasSize(1);
        later.removeFirst().run();
        peer.settle();
        assertThat(xids(peer.answers())).containsExactly(8);
        assertThat(peer.bridge.flushes).extracting(filter -> filter.zone).containsExactly(5);
        later.removeFirst().run();
        peer.settle();
        assertThat(xids(peer.answers())).containsExactly(10);
        assertThat(peer.bridge.flushes).extracting(filter -> filter.protocol).containsExactly(0, 1);
    }

    @Test
    void aFlushIsFinishedThoughNobodyWaitsForItAnyMore() {
        List<Runnable> later = new ArrayList<>();
        peer.elsewhere = later::add;
        peer.say(flushZone(7));
        peer.channel.close();
        peer.settle();
        later.removeFirst().run();
        peer.settle();
        assertThat(peer.bridge.flushes).hasSize(1);
    }

    private static LongReply counted(List<String> pieces, String name, int count) {
        return new LongReply() {
            private int made;

            @Override
            public boolean proceed() {
                pieces.add(name + ++made);
                return made < count;
            }

            @Override
            public void abandon() {
                pieces.add(name + " abandoned");
            }
        };
    }

    @Test
    void aChangeThatTakesLongIsMadeElsewhereAndAnsweredInItsTurn() {
        peer.bridge.slow = true;
        List<ByteBuf> answers = peer.say(together(peer.flow(7, 0, REFUSED_PORT), echo(8)));
        assertThat(xids(answers)).containsExactly(7, 8);
        assertThat(Dialogue.error(answers.getFirst())).isEqualTo(OfErrorCode.OFPFMFC_TABLE_FULL);
    }

    @Test
    void manyFlowsThatEndTogetherAreToldOneByOne() throws Exception {
        FlowStats flow = FakeSwitch.stats(FlowText.parseFlowMod(FlowMod.Command.ADD, "send_flow_rem,ip,actions=1"));
        peer.say(peer.message(
                MessageType.SET_CONFIG, 1, body -> body.writeShort(0).writeShort(100)));
        peer.bridge.events.flowsRemoved(Collections.nCopies(FLOWS, flow), FlowRemovedReason.DELETE);
        peer.settle();
        assertThat(peer.answers()).hasSize(FLOWS).allMatch(message -> type(message) == FLOW_REMOVED);
    }
}
