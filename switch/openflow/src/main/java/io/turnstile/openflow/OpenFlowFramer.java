package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.turnstile.openflow.wire.Wire;
import java.util.List;

/**
 * The framer cuts the byte stream into messages by the header's length. A length shorter than the header loses the
 * framing: closed.
 */
final class OpenFlowFramer extends ByteToMessageDecoder {

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        if (in.readableBytes() < Wire.HEADER_BYTES) {
            return;
        }
        int length = in.getUnsignedShort(in.readerIndex() + Wire.LENGTH_OFFSET);
        if (length < Wire.HEADER_BYTES) {
            in.skipBytes(in.readableBytes());
            context.close();
        } else if (in.readableBytes() >= length) {
            out.add(in.readRetainedSlice(length));
        }
    }
}
