import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.oauth2.sdk.AccessTokenResponse;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.GeneralException;
import com.nimbusds.oauth2.sdk.OAuth2Error;
import com.nimbusds.oauth2.sdk.Response;
import com.nimbusds.oauth2.sdk.TokenErrorResponse;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.auth.ClientAuthenticationMethod;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.auth.verifier.ClientAuthenticationVerifier;
import com.nimbusds.oauth2.sdk.auth.verifier.ClientCredentialsSelector;
import com.nimbusds.oauth2.sdk.auth.verifier.Context;
import com.nimbusds.oauth2.sdk.auth.verifier.InvalidClientException;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.Audience;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.token.BearerAccessToken;
import com.nimbusds.oauth2.sdk.token.Tokens;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * An authorization server for SMART backend services, and a server behind it that takes anything. `TokenPeer JWK…` knows one client,
 * `weir`, by its public keys, listens on a free port, prints it, prints a line for each token that it gives (`token ALG SCOPE`) or
 * refuses (`refused CODE`) and for each request behind it (`METHOD PATH STATUS`), and ends with its input.
 */
public class TokenPeer {
  static final Set<String> GIVEN = new HashSet<>();
  static final Set<String> SEEN = new HashSet<>();

  public static void main(String[] args) throws Exception {
    List<JWK> keys = new ArrayList<>();
    for (String arg : args) keys.add(JWK.parse(arg));
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/token";
    ClientAuthenticationVerifier<Void> verifier =
        new ClientAuthenticationVerifier<>(new OneClient(keys), Set.of(new Audience(url)));
    server.createContext("/token", exchange -> answer(exchange, give(exchange, url, verifier)));
    server.createContext("/fhir", TokenPeer::take);
    server.start();
    System.out.println(server.getAddress().getPort());
    while (System.in.read() >= 0) {}
    System.exit(0);
  }

  static HTTPResponse give(HttpExchange exchange, String url, ClientAuthenticationVerifier<Void> verifier) throws IOException {
    Response response;
    try {
      HTTPRequest sent = new HTTPRequest(HTTPRequest.Method.valueOf(exchange.getRequestMethod()), URI.create(url));
      sent.setContentType(exchange.getRequestHeaders().getFirst("Content-Type"));
      sent.setBody(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
      TokenRequest request = TokenRequest.parse(sent);
      verifier.verify(request.getClientAuthentication(), null, null);
      PrivateKeyJWT assertion = (PrivateKeyJWT) request.getClientAuthentication();
      if (!SEEN.add(assertion.getJWTAuthenticationClaimsSet().getJWTID().getValue())) throw InvalidClientException.BAD_JWT_HMAC;
      BearerAccessToken token = new BearerAccessToken(300, request.getScope());
      GIVEN.add(token.getValue());
      System.out.println("token " + assertion.getClientAssertion().getHeader().getAlgorithm() + " " + request.getScope());
      response = new AccessTokenResponse(new Tokens(token, null));
    } catch (GeneralException | com.nimbusds.jose.JOSEException thrown) {
      ErrorObject error = thrown instanceof GeneralException known && known.getErrorObject() != null
          ? known.getErrorObject() : OAuth2Error.INVALID_REQUEST;
      System.out.println("refused " + error.getCode());
      response = new TokenErrorResponse(error);
    }
    return response.toHTTPResponse();
  }

  static void answer(HttpExchange exchange, HTTPResponse response) throws IOException {
    byte[] body = response.getBody().getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(response.getStatusCode(), body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  static void take(HttpExchange exchange) throws IOException {
    exchange.getRequestBody().readAllBytes();
    int status = 401;
    try {
      BearerAccessToken token = BearerAccessToken.parse(exchange.getRequestHeaders().getFirst("Authorization"));
      if (GIVEN.contains(token.getValue())) status = 201;
    } catch (GeneralException none) {
      // Then it is nobody that we know.
    }
    System.out.println(exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + status);
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }

  record OneClient(List<JWK> keys) implements ClientCredentialsSelector<Void> {
    @Override
    public List<Secret> selectClientSecrets(ClientID client, ClientAuthenticationMethod method, Context<Void> context) {
      return List.of();
    }

    @Override
    public List<PublicKey> selectPublicKeys(
        ClientID client, ClientAuthenticationMethod method, JWSHeader header, boolean refresh, Context<Void> context)
        throws InvalidClientException {
      try {
        for (JWK key : keys) {
          if (!client.getValue().equals("weir") || !key.getKeyID().equals(header.getKeyID())) continue;
          return List.of(key.getKeyType().getValue().equals("RSA") ? key.toRSAKey().toPublicKey() : key.toECKey().toPublicKey());
        }
        return List.of();
      } catch (com.nimbusds.jose.JOSEException thrown) {
        throw new InvalidClientException(thrown.getMessage());
      }
    }
  }
}
