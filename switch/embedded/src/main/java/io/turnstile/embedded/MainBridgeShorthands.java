package io.turnstile.embedded;

import io.turnstile.packet.Frame;
import io.turnstile.packet.FrameView;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.port.DummyPort;
import java.util.List;

/** What a switch can be told that concerns its main bridge. Threads: those of the switch. */
abstract sealed class MainBridgeShorthands permits EmbeddedSwitch {

    abstract EmbeddedBridge main();

    /** {@link EmbeddedBridge#openFlow}. */
    public OpenFlowSwitch openFlow() {
        return main().openFlow();
    }

    /** {@link EmbeddedBridge#addPort}; the port is named {@code p<number>}. */
    public DummyPort addPort(int number) {
        return main().addPort(number);
    }

    /** {@link EmbeddedBridge#port}. */
    public DummyPort port(int number) {
        return main().port(number);
    }

    /** {@link EmbeddedBridge#removePort}. */
    public void removePort(int number) {
        main().removePort(number);
    }

    /** {@link EmbeddedBridge#receive(int, byte[])}. */
    public void receive(int port, byte[] frame) {
        main().receive(port, frame);
    }

    /** {@link EmbeddedBridge#receive(int, Frame)}. */
    public void receive(int port, Frame frame) {
        main().receive(port, frame);
    }

    /** {@link EmbeddedBridge#takeSent}. */
    public List<FrameView> takeSent(int port) {
        return main().takeSent(port);
    }

    /** {@link EmbeddedBridge#takeSentBytes}. */
    public List<byte[]> takeSentBytes(int port) {
        return main().takeSentBytes(port);
    }

    /** {@link EmbeddedBridge#packetOut}. */
    public void packetOut(int inPort, String actions, byte[] frame) {
        main().packetOut(inPort, actions, frame);
    }

    /** {@link EmbeddedBridge#takePacketIns}. */
    public List<PacketIn> takePacketIns() {
        return main().takePacketIns();
    }

    /** {@link EmbeddedBridge#takeFlowRemovals}. */
    public List<FlowRemoval> takeFlowRemovals() {
        return main().takeFlowRemovals();
    }

    /** {@link EmbeddedBridge#tcpHandshake(int, int, String)}. */
    public TcpDialogue tcpHandshake(int port, int replyPort, String sourceToDestination) {
        return main().tcpHandshake(port, replyPort, sourceToDestination);
    }

    /** {@link EmbeddedBridge#flows}. */
    public void flows(String lines) {
        main().flows(lines);
    }

    /** {@link EmbeddedBridge#modifyFlows}. */
    public void modifyFlows(String line) {
        main().modifyFlows(line);
    }

    /** {@link EmbeddedBridge#deleteFlows()}. */
    public void deleteFlows() {
        main().deleteFlows();
    }

    /** {@link EmbeddedBridge#deleteFlows(String)}. */
    public void deleteFlows(String match) {
        main().deleteFlows(match);
    }

    /** {@link EmbeddedBridge#dumpFlows}. */
    public List<String> dumpFlows() {
        return main().dumpFlows();
    }

    /** {@link EmbeddedBridge#trace}. */
    public String trace(String packet) {
        return main().trace(packet);
    }

    /** {@link EmbeddedBridge#listenOpenFlow}. */
    public int listenOpenFlow() {
        return main().listenOpenFlow();
    }

    /** {@link EmbeddedBridge#connectController}. */
    public void connectController(String target) {
        main().connectController(target);
    }
}
