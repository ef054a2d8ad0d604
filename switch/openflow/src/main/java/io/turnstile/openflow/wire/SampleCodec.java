package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfAction.Sample.Direction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/** The sample action. What is read stands after the header. */
final class SampleCodec {
    private SampleCodec() {}

    /**
     * probability 16, collector_set_id 32, obs_domain_id 32, obs_point_id 32; since the second form sampling_port 16,
     * direction 8, zero 40, of which the second form looks at the port alone.
     */
    static OfAction read(ActionForm form, ByteBuf in) throws OfException {
        int probability = in.readUnsignedShort();
        int collectorSet = in.readInt();
        int domain = in.readInt();
        int point = in.readInt();
        int port = Ports.NONE;
        Direction direction = Direction.DEFAULT;
        if (!form.equals(ActionForm.NX_SAMPLE)) {
            port = Ports.widened(in.readUnsignedShort());
        }
        if (form.equals(ActionForm.NX_SAMPLE3)) {
            int number = in.readUnsignedByte();
            SubFieldCodec.needOnlyZeros(in);
            if (number >= Direction.values().length) {
                throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "sample in direction " + number);
            }
            direction = Direction.values()[number];
        }
        if (probability == 0) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "sample of no packets");
        }
        return new OfAction.Sample(probability, collectorSet, domain, point, port, direction);
    }

    /** In the oldest form that says it all. */
    static void write(ByteBuf out, OfAction.Sample a) {
        boolean directed = a.direction() != Direction.DEFAULT;
        boolean atPort = directed || a.samplingPort() != Ports.NONE;
        int start = ActionTable.start(
                out, directed ? ActionForm.NX_SAMPLE3 : atPort ? ActionForm.NX_SAMPLE2 : ActionForm.NX_SAMPLE);
        out.writeShort(a.probability())
                .writeInt(a.collectorSetId())
                .writeInt(a.observationDomainId())
                .writeInt(a.observationPointId());
        if (atPort) {
            out.writeShort(a.samplingPort()).writeByte(a.direction().ordinal()).writeZero(5);
        }
        ActionTable.end(out, start);
    }
}
