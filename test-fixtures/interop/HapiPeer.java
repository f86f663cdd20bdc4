import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.HapiContext;
import ca.uhn.hl7v2.app.Connection;
import ca.uhn.hl7v2.app.HL7Service;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.llp.MinLowerLayerProtocol;
import ca.uhn.hl7v2.parser.GenericParser;
import ca.uhn.hl7v2.protocol.ReceivingApplication;
import ca.uhn.hl7v2.util.Terser;
import ca.uhn.hl7v2.validation.impl.ValidationContextFactory;
import java.util.Map;

/**
 * HAPI as the other side of MLLP. `client PORT COUNT` sends messages numbered from 1 and prints `MSA-1 MSA-2` of each answer;
 * `server PORT` prints `MSH-10 PID-5.1` of each message, answers AA, or AE where MSH-10 begins with BAD, and ends with its input.
 */
public class HapiPeer {
  public static void main(String[] args) throws Exception {
    try (HapiContext context = new DefaultHapiContext()) {
      context.setValidationContext(ValidationContextFactory.noValidation());
      MinLowerLayerProtocol mllp = new MinLowerLayerProtocol();
      mllp.setCharset("UTF-8");
      context.setLowerLayerProtocol(mllp);
      int port = Integer.parseInt(args[1]);
      if (args[0].equals("client")) send(context, port, Integer.parseInt(args[2]));
      else receive(context, port);
    }
    System.exit(0);
  }

  static void send(HapiContext context, int port, int count) throws Exception {
    Connection connection = context.newClient("127.0.0.1", port, false);
    connection.getInitiator().setTimeout(5, java.util.concurrent.TimeUnit.SECONDS);
    GenericParser parser = context.getGenericParser();
    for (int number = 1; number <= count; number++) {
      String text = "MSH|^~\\&|HAPI|NORTH|WEIR|LAB|20260101120000||ADT^A01^ADT_A01|" + number + "|P|2.5.1\r"
          + "EVN||20260101120000\rPID|1||P" + number + "^^^NORTH^MR||Mu\u00f1oz^Ana\rPV1|1|I\r";
      Message answer = connection.getInitiator().sendAndReceive(parser.parse(text));
      Terser terser = new Terser(answer);
      System.out.println(terser.get("/MSA-1") + " " + terser.get("/MSA-2"));
    }
    connection.close();
  }

  static void receive(HapiContext context, int port) throws Exception {
    HL7Service server = context.newServer(port, false);
    server.registerApplication(new ReceivingApplication<Message>() {
      public Message processMessage(Message message, Map<String, Object> metadata) {
        try {
          Terser terser = new Terser(message);
          String id = terser.get("/MSH-10");
          System.out.println(id + " " + terser.get("/.PID-5-1"));
          if (!id.startsWith("BAD")) return message.generateACK();
          return message.generateACK(ca.uhn.hl7v2.AcknowledgmentCode.AE, new ca.uhn.hl7v2.HL7Exception("told to refuse"));
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
      }

      public boolean canProcess(Message message) {
        return true;
      }
    });
    server.startAndWait();
    System.out.println("listening");
    while (System.in.read() >= 0) {}
    server.stopAndWait();
  }
}
