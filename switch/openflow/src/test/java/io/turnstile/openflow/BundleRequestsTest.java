package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is said of bundles, as Open vSwitch answers it, and what bundles may hold. */
class BundleRequestsTest {
    private static final int OPEN = 0;
    private static final int CLOSE = 2;
    private static final int COMMIT = 4;
    private static final int DISCARD = 6;
    private static final int ORDERED = 2;
    private static final int XID = 77;
    private static final int REFUSED_PORT = 666;
    private static final long MEMORY_BYTES = 4 << 20;

    private final Dialogue peer = new Dialogue(WireVersion.OF15, MEMORY_BYTES, 0).greeted();

    @AfterEach
    void close() {
        peer.close();
    }

    private ByteBuf control(int id, int type, int flags) {
        return peer.message(
                MessageType.BUNDLE_CONTROL,
                XID,
                body -> body.writeInt(id).writeShort(type).writeShort(flags));
    }

    private ByteBuf add(int id, int flags, ByteBuf message) {
        return peer.message(
                MessageType.BUNDLE_ADD,
                XID,
                body -> body.writeInt(id).writeShort(0).writeShort(flags).writeBytes(message));
    }

    private ByteBuf flow(int cookie, int port) {
        return peer.flow(XID, cookie, port);
    }

    /** A flow as large as one may be. */
    private ByteBuf note() {
        return peer.message(
                MessageType.FLOW_MOD,
                XID,
                body -> body.writeBytes(flow(1, 1), 8, 48 - 8)
                        .writeShort(1)
                        .writeShort(4)
                        .writeZero(4)
                        .writeShort(4)
                        .writeShort(8 + 60_000)
                        .writeZero(4)
                        .writeShort(0xffff)
                        .writeShort(60_000)
                        .writeInt(0x2320)
                        .writeShort(8)
                        .writeZero(60_000 - 10));
    }

    private int flows() {
        return peer.bridge
                .flows(new FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE))
                .size();
    }

    @Test
    void aBundleIsAppliedWholeWhenItIsCommitted() {
        assertThat(peer.refusal(control(1, OPEN, ORDERED))).isNull();
        for (int i = 0; i < 1000; i++) {
            assertThat(peer.refusal(add(1, ORDERED, flow(i, 1)))).isNull();
        }
        assertThat(flows()).isZero();
        assertThat(peer.shared.bundles().takenBytes()).isPositive();
        assertThat(peer.refusal(control(1, CLOSE, ORDERED))).isNull();
        assertThat(peer.refusal(control(1, COMMIT, ORDERED))).isNull();
        assertThat(flows()).isEqualTo(1000);
        assertThat(peer.shared.bundles().takenBytes()).isZero();
    }

    @Test
    void aMessageThatIsRefusedInTheCommitIsQuoted() {
        peer.say(control(1, OPEN, ORDERED));
        peer.say(add(1, ORDERED, flow(1, 1)));
        peer.say(add(1, ORDERED, flow(2, REFUSED_PORT)));
        List<ByteBuf> answers = peer.say(control(1, COMMIT, ORDERED));
        assertThat(answers)
                .extracting(Dialogue::error)
                .containsExactly(OfErrorCode.OFPFMFC_TABLE_FULL, OfErrorCode.OFPBFC_MSG_FAILED);
        assertThat(answers.getFirst()
                        .slice(Wire.HEADER_BYTES + 4, flow(2, REFUSED_PORT).readableBytes()))
                .isEqualTo(flow(2, REFUSED_PORT));
        assertThat(flows()).isZero();
        assertThat(peer.refusal(control(1, COMMIT, ORDERED))).isEqualTo(OfErrorCode.OFPBFC_BAD_ID);
    }

    @Test
    void whatIsWrongWithAMessageIsAnsweredAtOnce() {
        peer.say(control(1, OPEN, ORDERED));
        ByteBuf badType = flow(1, 1);
        badType.setByte(Wire.TYPE_OFFSET, 99);
        assertThat(peer.refusal(add(1, ORDERED, badType))).isEqualTo(OfErrorCode.OFPBFC_MSG_UNSUP);
        ByteBuf badVersion = flow(1, 1);
        badVersion.setByte(0, 4);
        assertThat(peer.refusal(add(1, ORDERED, badVersion))).isEqualTo(OfErrorCode.OFPBFC_BAD_VERSION);
        assertThat(peer.refusal(add(1, ORDERED, flow(1, 1).setInt(Wire.XID_OFFSET, XID + 1))))
                .isEqualTo(OfErrorCode.OFPBFC_MSG_BAD_XID);
        assertThat(peer.refusal(add(1, ORDERED, flow(1, 1).setShort(Wire.LENGTH_OFFSET, 1000))))
                .isEqualTo(OfErrorCode.OFPBFC_MSG_BAD_LEN);

        assertThat(peer.refusal(add(1, ORDERED, flow(1, 0x10000)))).isEqualTo(OfErrorCode.OFPBAC_BAD_OUT_PORT);
        assertThat(peer.refusal(control(1, COMMIT, ORDERED))).isNull();
    }

    @Test
    void aBundleThatIsMisusedIsGone() {
        peer.say(control(1, OPEN, ORDERED));
        assertThat(peer.refusal(control(1, OPEN, ORDERED))).isEqualTo(OfErrorCode.OFPBFC_BAD_ID);
        peer.say(control(2, OPEN, ORDERED));
        assertThat(peer.refusal(add(2, 0, flow(1, 1)))).isEqualTo(OfErrorCode.OFPBFC_BAD_FLAGS);
        peer.say(control(3, OPEN, ORDERED));
        peer.say(control(3, CLOSE, ORDERED));
        assertThat(peer.refusal(add(3, ORDERED, flow(1, 1)))).isEqualTo(OfErrorCode.OFPBFC_BUNDLE_CLOSED);
        peer.say(control(4, OPEN, ORDERED));
        assertThat(peer.refusal(control(4, COMMIT, 0))).isEqualTo(OfErrorCode.OFPBFC_BAD_FLAGS);
        for (int id = 1; id <= 4; id++) {
            assertThat(peer.refusal(control(id, DISCARD, ORDERED)))
                    .as("bundle " + id)
                    .isEqualTo(OfErrorCode.OFPBFC_BAD_ID);
        }
        assertThat(peer.shared.bundles().takenBytes()).isZero();
    }

    @Test
    void thereAreOnlySoManyBundles() {
        for (int id = 0; id < BundleRequests.MAX_BUNDLES; id++) {
            assertThat(peer.refusal(control(id, OPEN, ORDERED))).isNull();
        }
        assertThat(peer.refusal(control(1000, OPEN, ORDERED))).isEqualTo(OfErrorCode.OFPBFC_OUT_OF_BUNDLES);
    }

    @Test
    void allBundlesTogetherHaveOneBudget() {
        peer.say(control(1, OPEN, ORDERED));
        peer.say(control(2, OPEN, ORDERED));
        ByteBuf note = note();
        int added = 0;
        OfErrorCode refused = null;
        for (; refused == null && added < 1000; added++) {
            refused = peer.refusal(add(1 + (added & 1), ORDERED, note.duplicate()));
        }
        assertThat(refused).isEqualTo(OfErrorCode.OFPBFC_MSG_TOO_MANY);
        assertThat(peer.shared.bundles().takenBytes())
                .isBetween(MEMORY_BYTES / 4 - (300 << 10), peer.shared.bundles().limitBytes());
        peer.say(control(1, DISCARD, ORDERED));
        assertThat(peer.refusal(add(2, ORDERED, note.duplicate())))
                .as("there is room again")
                .isNull();
    }

    @Test
    void anIdleBundleIsDroppedAndItsAuthorTold() {
        peer.say(control(1, OPEN, ORDERED));
        peer.advance(Duration.ofSeconds(9));
        peer.say(add(1, ORDERED, flow(1, 1)));
        peer.advance(Duration.ofSeconds(9));
        assertThat(peer.answers()).isEmpty();
        peer.advance(Duration.ofSeconds(2));
        List<ByteBuf> told = peer.answers();
        assertThat(told).extracting(Dialogue::error).containsExactly(OfErrorCode.OFPBFC_TIMEOUT);
        assertThat(told.getFirst().getInt(Wire.XID_OFFSET)).isEqualTo(XID);
        assertThat(peer.refusal(control(1, COMMIT, ORDERED))).isEqualTo(OfErrorCode.OFPBFC_BAD_ID);
        assertThat(peer.shared.bundles().takenBytes()).isZero();
    }

    @Test
    void aBundleThatLacksAMessageForWhichThereWasNoRoomIsNotCommitted() {
        peer.say(control(1, OPEN, ORDERED));
        OfErrorCode refused = null;
        for (int i = 0; refused == null && i < 1000; i++) {
            refused = peer.refusal(add(1, ORDERED, note()));
        }
        assertThat(refused).isEqualTo(OfErrorCode.OFPBFC_MSG_TOO_MANY);
        assertThat(peer.refusal(add(1, ORDERED, flow(1, 1))))
                .as("what comes after it fits")
                .isNull();
        assertThat(peer.refusal(control(1, COMMIT, ORDERED))).isEqualTo(OfErrorCode.OFPBFC_MSG_FAILED);
        assertThat(flows()).isZero();
        assertThat(peer.refusal(control(1, COMMIT, ORDERED))).as("it is gone").isEqualTo(OfErrorCode.OFPBFC_BAD_ID);
        assertThat(peer.shared.bundles().takenBytes()).isZero();
    }

    @Test
    void aBundleIsNotIdleWhileWhatIsSaidOfItWaitsForALongChange() {
        peer.say(control(1, OPEN, ORDERED));
        List<Runnable> later = new ArrayList<>();
        peer.elsewhere = later::add;
        peer.bridge.slow = true;
        peer.say(Unpooled.wrappedBuffer(flow(1, 1), add(1, ORDERED, flow(2, 1)), control(1, COMMIT, ORDERED)));
        peer.advance(Duration.ofSeconds(20));
        later.removeFirst().run();
        peer.elsewhere = Runnable::run;
        peer.advance(Duration.ofSeconds(1)); // it is looked for idle bundles before the next request has its turn
        assertThat(peer.answers()).extracting(Dialogue::error).containsExactly((OfErrorCode) null);
        assertThat(flows()).isEqualTo(2);
    }

    @Test
    void aBundleIsNotIdleWhileItsAuthorHasAnswersToRead() {
        peer.say(control(1, OPEN, ORDERED));
        peer.channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        peer.say(Unpooled.wrappedBuffer(add(1, ORDERED, flow(2, 1)), control(1, COMMIT, ORDERED)));
        peer.advance(Duration.ofSeconds(20));
        assertThat(peer.answers()).isEmpty();
        peer.channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        peer.settle();
        assertThat(peer.answers()).extracting(Dialogue::error).containsExactly((OfErrorCode) null);
        assertThat(flows()).isEqualTo(1);
    }

    @Test
    void aBundleThatNobodyCanCommitGivesItsBytesBack() {
        peer.say(control(1, OPEN, ORDERED));
        peer.say(add(1, ORDERED, flow(1, 1)));
        peer.elsewhere = task -> {
            throw new RejectedExecutionException("as the test wants it");
        };
        assertThat(peer.refusal(control(1, COMMIT, ORDERED))).isEqualTo(OfErrorCode.OFPBRC_EPERM);
        assertThat(flows()).isZero();
        assertThat(peer.shared.bundles().takenBytes()).isZero();
    }

    @Test
    void theEndOfAConnectionIsTheEndOfItsBundles() {
        peer.say(control(1, OPEN, ORDERED));
        peer.say(add(1, ORDERED, flow(1, 1)));
        assertThat(peer.shared.bundles().takenBytes()).isPositive();
        peer.channel.close();
        peer.settle();
        assertThat(peer.shared.bundles().takenBytes()).isZero();
    }

    @Test
    void aFlowModThatIsBundledUnderOpenFlow13IsAppliedToo() {
        try (Dialogue older = new Dialogue(WireVersion.OF13).greeted()) {
            ByteBuf flow = older.flow(XID, 1, 1);
            ByteBuf open = older.message(
                    MessageType.ONF_BUNDLE_CONTROL,
                    XID,
                    body -> body.writeInt(1).writeShort(OPEN).writeShort(ORDERED));
            ByteBuf add = older.message(
                    MessageType.ONF_BUNDLE_ADD,
                    XID,
                    body -> body.writeInt(1).writeShort(0).writeShort(ORDERED).writeBytes(flow));
            ByteBuf commit = older.message(
                    MessageType.ONF_BUNDLE_CONTROL,
                    XID,
                    body -> body.writeInt(1).writeShort(COMMIT).writeShort(ORDERED));
            assertThat(older.say(Unpooled.wrappedBuffer(open, add, commit))).hasSize(2);
            assertThat(older.bridge.flows(new FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE)))
                    .hasSize(1);
        }
    }

    @Test
    void aMessageThatNoTableTakesIsRefusedAtOnceAndNotPartOfTheBundle() {
        peer.say(control(1, OPEN, ORDERED));
        ByteBuf wrong = flow(1, 1).setByte(Wire.HEADER_BYTES + 16, FakeSwitch.WRONG_TABLE);
        assertThat(peer.refusal(add(1, ORDERED, wrong))).isEqualTo(OfErrorCode.OFPBRC_EPERM);
        peer.say(add(1, ORDERED, flow(2, 1)));
        assertThat(peer.refusal(control(1, COMMIT, ORDERED))).isNull();
        assertThat(flows()).isEqualTo(1);
    }

    @Test
    void repliesBearNoFlags() {
        ByteBuf reply = peer.say(control(1, OPEN, ORDERED)).getFirst();
        assertThat(reply.getUnsignedShort(Wire.HEADER_BYTES + 4)).isEqualTo(OPEN + 1);
        assertThat(reply.getUnsignedShort(Wire.HEADER_BYTES + 6)).isZero();
    }

    @Test
    void whoMovesTheClockNeedNotWaitUntilBundlesAreLookedAt() {
        peer.say(control(1, OPEN, ORDERED));
        peer.clock.advance(Duration.ofSeconds(11));
        peer.connection.dropIdleBundles();
        assertThat(peer.answers()).extracting(Dialogue::error).containsExactly(OfErrorCode.OFPBFC_TIMEOUT);
    }
}
