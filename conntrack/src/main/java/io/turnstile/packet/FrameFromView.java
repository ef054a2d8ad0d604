package io.turnstile.packet;

import io.turnstile.packet.Frames.Ends;

/**
 * Makes a description of a frame that was read off the wire; see {@link FrameView#toFrame()}.
 *
 * <p>Threads: stateless.
 */
final class FrameFromView {
    private FrameFromView() {}

    static Frame of(FrameView view) {
        Frame frame = network(view);
        view.tags().reversed().forEach(frame::tag);
        return frame.eth(view.sourceMac(), view.destinationMac());
    }

    private static Frame network(FrameView view) {
        if (view.isArp()) {
            Frame frame = new Frame(Frame.ARP, ends(view));
            frame.arpOperation = view.arpOperation();
            return frame;
        }
        if (view.isIpv4() || view.isIpv6()) {
            if (view.fragment() != Packet.FragmentKind.NONE) {
                throw new IllegalStateException("a fragment is no whole packet: " + view);
            }
            Frame frame = new Frame(view.protocol(), ends(view));
            transport(view, frame);
            return frame.ttl(view.ttl()).tos(view.tos()).payload(view.payload());
        }
        return Frames.ethernet(view.etherType(), view.payload());
    }

    private static void transport(FrameView view, Frame frame) {
        if (view.isTcp()) {
            frame.flags(view.tcpFlagBits())
                    .seq(view.seq())
                    .ackNumber(view.ackNumber())
                    .window(view.window());
            frame.options(view.tcpOptions());
        } else if (view.isIcmp()) {
            frame.icmpType = view.icmpType();
            frame.icmpCode = view.icmpCode();
            frame.icmpId = view.icmpId();
            frame.icmpSequence = view.icmpSeq();
        }
    }

    private static Ends ends(FrameView view) {
        boolean withPorts = view.isTcp() || view.isUdp();
        String text = withPorts
                ? end(view.source(), view.sourcePort()) + " > " + end(view.destination(), view.destinationPort())
                : view.source() + " > " + view.destination();
        return Ends.parse(text, withPorts);
    }

    private static String end(String address, int port) {
        return (address.contains(":") ? "[" + address + "]" : address) + ":" + port;
    }
}
